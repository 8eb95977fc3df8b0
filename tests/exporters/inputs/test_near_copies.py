"""Which images repeat another one, exactly or nearly."""

import numpy as np
import pytest

from mnist_exporters.inputs.near_copies import copies_among, copies_of

Images = np.ndarray


def faint(count: int, *shape: int, seed: int = 0) -> Images:
    """Return random images of low contrast, whose median distance is a quarter of that of random pixels 0..255."""
    return np.random.default_rng(seed).integers(0, 64, (count, *shape), np.uint8)


def changed(image: Images, pixels: int, by: int) -> Images:
    """Return `image` with some pixels brighter."""
    found = image.copy()
    found.reshape(-1)[: pixels * 97 : 97] += np.uint8(by)
    return found


def is_found(images: Images, copy: Images) -> bool:
    """Return whether both functions know `copy` as a copy of one of `images`; they must agree."""
    together = np.concatenate([images, copy[None]])
    *others, found = copies_among(together, np.zeros(len(together), np.uint8)).tolist()
    assert not any(others)
    assert copies_of(np.concatenate([copy[None], faint(50, *copy.shape, seed=1)]), images)[0] == found
    return bool(found)


@pytest.mark.parametrize("shape", [(28, 28), (20, 20, 3), (33, 20)])
def test_small_changes_of_all_pixels_make_a_copy(shape: tuple[int, ...]) -> None:
    """At the median distance of these images, two levels are 4.8 % of it, and four 9.6 %."""
    images = faint(50, *shape)
    pixels = images[20].size
    levels = 2 * (-1) ** np.arange(pixels).reshape(shape)
    middle = np.clip(images[20].astype(int), 4, 59)
    images[20] = middle
    assert is_found(images, (middle + levels).astype(np.uint8))
    assert not is_found(images, (middle + 2 * levels).astype(np.uint8))


@pytest.mark.parametrize(("pixels", "by", "is_copy"), [(1, 191, True), (7, 94, True), (8, 87, False), (2, 190, False)])
def test_one_pixel_in_a_hundred_may_change_by_more(pixels: int, by: int, is_copy: bool) -> None:
    images = faint(50, 28, 28)
    assert is_found(images, changed(images[20], pixels, by)) is is_copy


@pytest.mark.parametrize(("by", "is_copy"), [(95, True), (125, False)])
def test_a_pixel_of_a_small_image_may_change_by_half_the_usual_distance(by: int, is_copy: bool) -> None:
    images = faint(50, 8, 8)
    assert is_found(images, changed(images[20], 1, by)) is is_copy


def test_only_later_images_of_the_same_label_are_copies() -> None:
    images = faint(40, 28, 28)
    labels = np.arange(40, dtype=np.uint8) % 10
    images[3], images[13], images[14] = (changed(images[23], 1, by) for by in (180, 170, 160))
    assert np.flatnonzero(copies_among(images, labels)).tolist() == [13, 23]
    assert copies_among(images[:1], labels[:1]).tolist() == [False]
    assert copies_among(images[[3, 3]], labels[[3, 3]]).tolist() == [False, True]


def test_copies_are_found_among_many_images() -> None:
    """They are compared in batches, from the first that exact copies leave."""
    images = faint(700, 8, 8)
    images[100:150] = images[200:250]
    copies = np.arange(300, 700, 53)
    images[copies] = [changed(image, 1, 90) for image in images[copies - 7]]
    found = copies_among(images, np.zeros(len(images), np.uint8))
    assert np.flatnonzero(found).tolist() == [*range(200, 250), *copies.tolist()]
    others = np.delete(images, copies, axis=0)
    sample = np.concatenate([images[100:110], faint(20, 8, 8, seed=2), images[copies]])
    assert np.flatnonzero(copies_of(sample, others)).tolist() == [*range(10), *range(30, 30 + len(copies))]
    assert np.flatnonzero(copies_of(others, images[copies])).tolist() == (copies - 7 - np.arange(len(copies))).tolist()


@pytest.mark.parametrize("copied", [0, 599])
def test_copies_are_found_beyond_images_that_are_like_no_other(copied: int) -> None:
    images = np.concatenate([faint(300, 8, 8), 255 - faint(300, 8, 8, seed=1)])
    others = np.concatenate([100 + faint(9, 8, 8, seed=2), images[copied : copied + 1]])
    others[9, 3, 3] += 9 if copied == 0 else -9
    assert np.flatnonzero(copies_of(images, others)).tolist() == [copied]


def test_images_of_another_size_and_none_have_no_copies() -> None:
    images = faint(5, 28, 28)
    assert not copies_of(images, faint(5, 32, 32)).any()
    assert not copies_of(images, images[:0]).any()
    assert copies_of(images[:0], images).shape == copies_among(images[:0], np.zeros(0, np.uint8)).shape == (0,)


def test_one_image_has_exact_copies_only_and_two_have_others() -> None:
    images = faint(5, 28, 28)
    nearly = images.copy()
    nearly[:, 5, 5] += 100
    assert copies_of(images, images).tolist() == [True] * 5
    assert copies_of(images[:1], images).tolist() == [True]
    assert copies_of(images[:1], nearly).tolist() == [False]
    assert copies_of(images[:2], nearly).tolist() == [True] * 2
