"""Prepare and classify rendered photographs."""

from collections.abc import Iterable

import numpy as np
import pytest

pytest.importorskip("scipy", reason="photographs are rendered with SciPy")

from mnist_runtime import Classifier, prepare, read
from mnist_runtime.preprocess.ink.clean import flat_background_ink
from mnist_runtime.preprocess.normalize import normalize
from mnist_tools.rendering.camera import CONDITIONS, Conditions, photograph_one, stroke_of, with_pen
from mnist_tools.rendering.nothing import NOTHING


def alternating(names: Iterable[str]) -> list[object]:
    """Return the names as parameters, of which every second one is slow."""
    return [pytest.param(name, marks=pytest.mark.slow if n % 2 else ()) for n, name in enumerate(names)]


@pytest.mark.parametrize("size", [60, 150, 350])
def test_clean_drawings_are_only_normalized(legible: object, size: int) -> None:
    for image in legible.images[::2]:
        ink = np.pad(np.rint(255 * stroke_of(image, size)).astype(np.uint8), size // 3)
        expected = normalize(flat_background_ink(ink.astype(np.float32)))
        assert np.array_equal(prepare(ink), expected)
        assert np.array_equal(prepare(255 - ink), expected)


@pytest.mark.long
@pytest.mark.parametrize("name", alternating(CONDITIONS))
def test_photographed_digits_are_recognized(name: str, legible: object) -> None:
    conditions, random = with_pen(CONDITIONS[name], longest=450), np.random.default_rng(11)
    classifier = Classifier.load()
    chosen = random.permutation(len(legible.labels))[:5]
    pictures = [photograph_one(legible.images[index], conditions, random) for index in chosen]
    digits = [classifier.classify(picture).digit for picture in pictures]
    assert sum(np.equal(digits, legible.labels[chosen])) >= (3 if conditions.cropped else 4)


@pytest.mark.long
def test_empty_sheets_on_a_desk_have_no_digit() -> None:
    """The desk around them is replaced; a brighter filling than the sheet's edge would make the edge a 1."""
    name = "empty, on a desk"
    classifier, random = Classifier.load(), np.random.default_rng(sum(name.encode()))
    pictures = [NOTHING[name](random) for _ in range(16)]
    assert [classifier.classify(picture).digit for picture in pictures] == [None] * 16
    assert not any(read(picture, classifier) for picture in pictures)


@pytest.mark.parametrize("name", alternating(NOTHING))
def test_pictures_without_a_digit_have_no_digit(name: str) -> None:
    classifier, random = Classifier.load(), np.random.default_rng(0)
    digits = [classifier.classify(NOTHING[name](random)).digit for _ in range(4)]
    assert digits.count(None) >= 3


@pytest.fixture(scope="module")
def photographs(legible: object) -> list[np.ndarray]:
    """Return a photograph of each digit on lined paper in uneven light, none of them overexposed."""
    conditions = Conditions(
        side=(300, 400), stroke=0.6, light="gradient", ruled_lines="lines", texture=2, noise=2, paper=(205, 220)
    )
    random = np.random.default_rng(2)
    return [photograph_one(image, conditions, random) for image in legible.images[::2]]


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Return the difference of two images as a fraction of the ink, from 0 to 2."""
    return float(np.abs(one.astype(int) - other).sum() / min(one.sum(), other.sum()))


@pytest.mark.long
@pytest.mark.parametrize("factor", [0.6, 1.1])
def test_the_strength_of_the_light_does_not_matter(photographs: list[np.ndarray], factor: float) -> None:
    for picture in photographs:
        assert difference(prepare(np.rint(picture * factor).astype(np.uint8)), prepare(picture)) < 0.2


@pytest.mark.long
def test_the_position_on_the_page_does_not_matter(photographs: list[np.ndarray]) -> None:
    for picture in photographs:
        assert difference(prepare(picture[5:, :-7]), prepare(picture)) < 0.2


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_rotated_photograph_gives_the_rotated_image(photographs: list[np.ndarray], turns: int) -> None:
    for picture in photographs[:5]:
        upright, rotated = prepare(picture), np.rot90(prepare(np.rot90(picture, turns)), -turns)
        moved = [np.roll(rotated, (row, column), (0, 1)) for row in (-1, 0, 1) for column in (-1, 0, 1)]
        assert min(difference(each, upright) for each in moved) < 0.2


def test_images_of_two_digits_differ(photographs: list[np.ndarray]) -> None:
    """Check that images of different digits exceed the bounds on `difference`."""
    images = [prepare(picture) for picture in photographs]
    assert min(difference(one, other) for n, one in enumerate(images) for other in images[:n]) > 0.4
