"""Pen digits and signs replace images of a training batch."""

import numpy as np
import pytest

from mnist_trainer.augmentation.pen.draw import draw_digits
from mnist_trainer.augmentation.pen.insert import PenImages

COUNT = 40


@pytest.fixture(scope="module")
def pen() -> PenImages:
    return PenImages(0, fraction=0.2, confidence=0.91, signs=0.1, stock=80)


def inserted(pen: PenImages, seed: int) -> tuple[np.ndarray, np.ndarray]:
    blank = np.zeros((COUNT, 28, 28, 1), np.float32)
    targets = np.eye(10, dtype=np.float32)[np.zeros(COUNT, int)]
    images, changed = pen.insert(blank, np.array([seed, 0]))
    return np.asarray(images), np.asarray(pen.targets(targets, changed))


def test_so_many_images_are_replaced_and_get_their_targets(pen: PenImages) -> None:
    images, targets = inserted(pen, 3)
    changed = images.any(axis=(1, 2, 3))
    greatest = targets.max(axis=1)
    assert changed.sum() == 12
    assert (greatest[~changed] == 1).all()
    assert np.isclose(greatest, 0.91).sum() == 8
    assert np.isclose(greatest, 0.1).sum() == 4
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-5)
    assert (images.min(), images.max()) == (0, 1)


def test_the_seed_of_the_batch_sets_images_and_rows(pen: PenImages) -> None:
    (first, _), (again, _), (other, _) = (inserted(pen, seed) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    rows = {tuple(np.flatnonzero(inserted(pen, seed)[0].any(axis=(1, 2, 3)))) for seed in range(12)}
    assert len(rows) > 1


def test_replaced_rows_are_spread_over_the_batch(pen: PenImages) -> None:
    changed = np.flatnonzero(inserted(pen, 5)[0].any(axis=(1, 2, 3)))
    gaps = np.diff([*changed, changed[0] + COUNT])
    assert gaps.max() <= 4


def test_without_a_share_nothing_is_replaced() -> None:
    images, targets = inserted(PenImages(0, fraction=0.0, confidence=0.9, signs=0.0, stock=8), 1)
    assert not images.any()
    assert (targets.max(axis=1) == 1).all()


def test_a_short_training_has_at_least_one_sign() -> None:
    images, targets = inserted(PenImages(0, fraction=0.2, confidence=0.9, signs=0.2, stock=3), 1)
    assert images.any(axis=(1, 2, 3)).sum() == 16
    assert (np.isclose(targets, 0.1).all(axis=1)).sum() == round(len(images) * 0.2)


def test_each_digit_has_its_own_target_and_signs_lie_between_digits(pen: PenImages) -> None:
    drawn, labels = draw_digits(80, 0)
    label = {image.tobytes(): digit for image, digit in zip(drawn, labels, strict=True)}
    images, targets = inserted(pen, 3)
    pixels = np.rint(images[..., 0] * 255).astype(np.uint8)
    digits = np.flatnonzero(np.isclose(targets.max(axis=1), 0.91))
    assert [label[pixels[row].tobytes()] for row in digits] == targets[digits].argmax(axis=1).tolist()
    signs = np.flatnonzero(np.isclose(targets, 0.1).all(axis=1))
    assert np.diff([*signs, signs[0] + COUNT]).max() <= 12
