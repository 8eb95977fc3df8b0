"""Digits that are cut out of a form, a table or a sudoku with the sides of their box."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tests.runtime.conftest import Digits

from mnist_runtime import Classifier
from mnist_runtime.errors import BlankError
from mnist_runtime.preprocess.prepare import prepare

CLASSIFIER = Classifier.load()
SIDES = {"right and bottom": (2, 3), "left and top": (0, 1), "three": (0, 1, 3), "all": (0, 1, 2, 3)}
BORDER = 0.09
"""Place of a side, as a fraction of the picture's."""


def cell(
    digit: np.ndarray | None, sides: tuple[int, ...], thickness: float, slant: float = 0.02, size: int = 96
) -> np.ndarray:
    """Draw a box (size, size) whose sides lean, with the tip of a digit of the box below."""
    fine = 4 * size
    page = Image.new("L", (fine, fine), 205)
    draw = ImageDraw.Draw(page)
    near, far, lean = BORDER * fine, (1 - BORDER) * fine, slant * fine
    width = max(1, round(thickness * fine))
    ends = ((near - lean, 0, near + lean, fine), (0, near + lean, fine, near - lean))
    ends += ((far - lean, 0, far + lean, fine), (0, far + lean, fine, far - lean))
    for side in sides:
        draw.line(ends[side], fill=45, width=width)
    if 3 in sides:
        draw.line((fine / 2, fine, fine / 2 + 9 * size / 24, fine), fill=45, width=size // 4)
    if digit is not None:
        ink = Image.fromarray(digit).resize((round(0.75 * fine),) * 2, Image.Resampling.BICUBIC)
        page.paste(30, (round(0.125 * fine),) * 2, ink)
    noise = np.random.default_rng(0).normal(0, 2, (size, size))
    return np.clip(np.asarray(page.reduce(4)) + noise, 0, 255).astype(np.uint8)


@pytest.mark.long
@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("thickness", [1 / 40, 1 / 16, 1 / 12])
def test_a_digit_is_read_without_the_sides_of_its_box(legible: Digits, sides: str, thickness: float) -> None:
    pictures = [cell(image, SIDES[sides], thickness) for image in legible.images]
    found = [CLASSIFIER.classify(picture).digit for picture in pictures]
    assert (np.array(found) == legible.labels).mean() >= 0.95, found


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("thickness", [1 / 40, 1 / 12])
def test_an_empty_box_has_no_digit(sides: str, thickness: float) -> None:
    assert CLASSIFIER.classify(cell(None, SIDES[sides], thickness)).digit is None


def test_the_message_for_an_empty_box_names_its_lines() -> None:
    with pytest.raises(BlankError, match="shows ruled lines or empty frames, but no digit in them"):
        prepare(cell(None, SIDES["right and bottom"], 1 / 16))


@pytest.mark.parametrize("size", [28, 40])
def test_small_pictures_of_boxes_are_read(legible: Digits, size: int) -> None:
    pictures = [cell(image, SIDES["right and bottom"], 1 / 24, 0.01, size) for image in legible.images]
    found = [CLASSIFIER.classify(picture).digit for picture in pictures]
    assert (np.array(found) == legible.labels).mean() >= 0.9, found


def test_strokes_of_digits_cut_at_their_edges_are_no_sides(legible: Digits) -> None:
    """The bar of a 7, the stem of a 1 and the oval of a 0 run along the edges of a tight crop."""
    for image, label in zip(legible.images, legible.labels, strict=True):
        rows, columns = np.nonzero(image > 60)
        tight = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        large = Image.fromarray(255 - tight).resize((8 * tight.shape[1], 8 * tight.shape[0]), Image.Resampling.BICUBIC)
        noise = np.random.default_rng(int(label)).normal(0, 3, (large.height, large.width))
        picture = np.clip(np.asarray(large) * 0.8 + 20 + noise, 0, 255).astype(np.uint8)
        assert CLASSIFIER.classify(picture).digit == label


@pytest.mark.parametrize("noise", [0, 3])
def test_a_single_line_at_the_edge_may_be_a_1(noise: float) -> None:
    page = np.full((100, 100), 220.0)
    page[:, 8:13] = 25
    page += np.random.default_rng(0).normal(0, noise, page.shape)
    assert CLASSIFIER.classify(page.astype(np.uint8)).digit == 1
