"""Frames around several digits, and empty boxes beside digits."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tests.runtime.preprocess.ink.conftest import write

from mnist_runtime import Classifier, read
from mnist_runtime.preprocess.ink.frames import find_frames


def digits_on(page: Image.Image, classifier: Classifier) -> list[int | None]:
    return [answer.prediction.digit for answer in read(np.asarray(page), classifier)]


def test_a_large_oval_around_several_digits_is_a_frame(legible: object, classifier: Classifier) -> None:
    """Each of them is small for the space in it."""
    page = Image.new("L", (640, 480), 255)
    ImageDraw.Draw(page).ellipse([10, 10, 629, 469], outline=0, width=3)
    for n in range(6):
        write(page, legible.images[2 * n + 2], 90 + 90 * n, 200 + 20 * (n % 2), 50)
    assert digits_on(page, classifier) == [1, 2, 3, 4, 5, 6]


def test_a_narrow_empty_column_of_boxes_is_no_digit(legible: object, classifier: Classifier) -> None:
    page = Image.new("L", (400, 300), 255)
    for n in range(3):
        ImageDraw.Draw(page).rectangle([40, 30 + 70 * n, 100, 100 + 70 * n], outline=0, width=4)
    write(page, legible.images[6], 200, 150, 100)
    write(page, legible.images[10], 320, 150, 100)
    assert digits_on(page, classifier) == [3, 5]


def test_a_thin_empty_box_as_high_as_thick_digits_is_no_0(legible: object, classifier: Classifier) -> None:
    page = Image.new("L", (640, 140), 255)
    for n, digit in enumerate((4, 7, 5)):
        write(page, legible.images[2 * digit], 60 + 240 * n, 70, 120)
    rows = np.flatnonzero((np.asarray(page) < 128).any(axis=1))
    for left in (145, 385):
        ImageDraw.Draw(page).rectangle([left, rows[0], left + 70, rows[-1]], outline=0, width=2)
    assert digits_on(page, classifier) == [4, 7, 5]


def test_digits_on_the_lines_of_a_table_are_read(legible: object, classifier: Classifier) -> None:
    """The lines of the table are removed, and nothing of what crosses them."""
    page = Image.new("L", (400, 300), 255)
    for n in range(9):
        left, top = 30 + 110 * (n % 3), 20 + 85 * (n // 3)
        ImageDraw.Draw(page).rectangle([left, top, left + 110, top + 85], outline=0, width=3)
    for n in range(9):
        down = 18 if n % 2 else 0
        write(page, legible.images[2 * n + 2], 85 + 110 * (n % 3), 62 + 85 * (n // 3) + down, 62)
    assert digits_on(page, classifier) == list(range(1, 10))


def test_a_9_with_a_stain_in_its_loop_is_no_frame(classifier: Classifier) -> None:
    page = Image.new("L", (240, 240), 255)
    draw = ImageDraw.Draw(page)
    draw.ellipse([70, 20, 170, 120], outline=0, width=4)
    draw.line([(168, 70), (168, 225)], fill=0, width=4)
    draw.ellipse([105, 55, 135, 85], fill=0)
    assert classifier.classify(np.asarray(page)).digit == 9


@pytest.mark.parametrize("exponent", [2.5, 3])
@pytest.mark.parametrize("width", [8, 14])
def test_a_wide_0_with_flat_sides_is_no_box(exponent: float, width: int) -> None:
    rows, columns = np.abs(np.indices((240, 240)) - 120)

    def oval(radius: int) -> np.ndarray:
        return (rows / radius) ** exponent + (columns / radius) ** exponent < 1

    zero = oval(75) & ~oval(75 - width)
    assert not find_frames(zero, np.zeros_like(zero)).any()


def test_a_bold_8_with_small_holes_is_no_box() -> None:
    eight = np.zeros((240, 240), bool)
    eight[60:180, 60:180] = True
    eight[85:108, 100:141] = eight[132:155, 100:141] = False
    assert not find_frames(eight, np.zeros_like(eight)).any()


@pytest.mark.parametrize(("side", "is_frame"), [(23, False), (24, True)])
def test_a_tiny_box_may_be_a_0(side: int, is_frame: bool) -> None:
    box = np.zeros((100, 100), bool)
    box[40 : 40 + side, 40 : 40 + side] = True
    box[42 : 38 + side, 42 : 38 + side] = False
    assert find_frames(box, np.zeros_like(box)).any() == is_frame


@pytest.mark.parametrize(
    ("lines", "width"),
    [
        ([(60, 40, 60, 180), (160, 40, 160, 180), (56, 180, 164, 180)], 8),
        ([(20, 180, 220, 180), (32, 110, 32, 180), (208, 110, 208, 180)], 26),
        ([(20, 180, 220, 180), (120, 120, 120, 180)], 4),
    ],
    ids=["higher than wide", "thick", "one tooth"],
)
def test_other_strokes_on_a_line_are_no_comb(lines: list[tuple[int, int, int, int]], width: int) -> None:
    page = Image.new("L", (240, 240), 255)
    for line in lines:
        ImageDraw.Draw(page).line(line, fill=0, width=width)
    mask = np.asarray(page) < 128
    assert not find_frames(mask, np.zeros_like(mask)).any()
