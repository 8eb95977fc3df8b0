"""Digits in boxes, circles and tables."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageDraw, ImageFont
from tests.runtime.preprocess.ink.conftest import write

from mnist_runtime import Classifier, read
from mnist_runtime.preprocess.ink.frames import find_frames

Draw = ImageDraw.ImageDraw
Font = Callable[[int], ImageFont.FreeTypeFont]


def by_hand(turn: float) -> list[tuple[float, float]]:
    """Return the points of a circle drawn by hand, over a part of a `turn`."""
    angles = np.linspace(1, 1 + 2 * np.pi * turn, 80)
    radii = 95 * (1 + 0.05 * np.sin(2 * angles))
    return list(zip(120 + radii * np.cos(angles), 120 + radii * np.sin(angles), strict=True))


def two_circles(draw: Draw) -> None:
    for inset in (12, 26):
        draw.ellipse([inset, inset, 239 - inset, 239 - inset], outline=0, width=4)


FRAMES: dict[str, Callable[[Draw], None]] = {
    "circle": lambda draw: draw.ellipse([15, 15, 224, 224], outline=0, width=4),
    "two circles": two_circles,
    "box": lambda draw: draw.rectangle([20, 12, 219, 230], outline=0, width=5),
    "box at the edge": lambda draw: draw.rectangle([0, 0, 239, 239], outline=0, width=5),
    "rounded box": lambda draw: draw.rounded_rectangle([15, 15, 224, 224], 40, outline=0, width=3),
    "triangle": lambda draw: draw.polygon([(120, 2), (5, 235), (235, 235)], outline=0, width=4),
    "circle by hand": lambda draw: draw.line(by_hand(1.03), fill=0, width=6),
    "open circle": lambda draw: draw.line(by_hand(0.93), fill=0, width=6),
    "box by hand": lambda draw: draw.line([(30, 8), (22, 232), (8, 222), (232, 226), (222, 12), (12, 20)], 0, 5),
}


def mask_of(draw: Callable[[Draw], None]) -> np.ndarray:
    picture = Image.new("L", (240, 240), 255)
    draw(ImageDraw.Draw(picture))
    return np.asarray(picture) < 128


def find(mask: np.ndarray) -> np.ndarray:
    return find_frames(mask, np.zeros_like(mask))


@pytest.mark.long
@pytest.mark.parametrize("noise", [0, 4])
@pytest.mark.parametrize("name", FRAMES)
def test_a_digit_in_a_frame_is_read(name: str, noise: float, legible: object, classifier: Classifier) -> None:
    random, digits = np.random.default_rng(0), []
    for image in legible.images[::2]:
        page = Image.new("L", (240, 240), 255)
        FRAMES[name](ImageDraw.Draw(page))
        write(page, image, 120, 130, 110)
        picture = 20 + 0.85 * np.asarray(page) + random.normal(0, noise, (240, 240)) if noise else np.asarray(page)
        digits.append(classifier.classify(np.rint(picture).astype(np.uint8)).digit)
    assert digits == list(range(10))


@pytest.mark.parametrize("between", [0, 14])
@pytest.mark.parametrize("noise", [0, 4])
def test_the_boxes_of_a_form_are_read(between: int, noise: float, legible: object, classifier: Classifier) -> None:
    page = Image.new("L", (660, 300), 255)
    draw = ImageDraw.Draw(page)
    for n, image in enumerate(legible.images[::2]):
        left, top = 70 + (90 + between) * (n % 5), 60 + (90 + between) * (n // 5)
        draw.rectangle([left, top, left + 93, top + 93], outline=0, width=4)
        write(page, image, left + 47 + 3 * (n % 3), top + 50, 66)
    picture = 20 + 0.85 * np.asarray(page) + np.random.default_rng(0).normal(0, noise, (300, 660))
    answers = read(picture.astype(np.uint8), classifier)
    assert [answer.prediction.digit for answer in answers] == list(range(10))


@pytest.mark.parametrize("noise", [0, 4])
@pytest.mark.parametrize("size", [(140, 140), (140, 105), (100, 220), (40, 40)])
@pytest.mark.parametrize("degrees", [0, 3])
def test_an_empty_box_is_no_digit(size: tuple[int, int], noise: float, degrees: float, classifier: Classifier) -> None:
    page = Image.new("L", (280, 240), 255)
    draw = ImageDraw.Draw(page)
    draw.rounded_rectangle([20, 40, 20 + size[1], 40 + size[0]], size[0] // 10, outline=0, width=4)
    turned = np.asarray(page.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=255))
    picture = 20 + 0.85 * turned + np.random.default_rng(0).normal(0, noise, turned.shape) if noise else turned
    assert classifier.classify(np.rint(picture).astype(np.uint8)).reason == "blank"


@pytest.mark.parametrize("width", [54, 72, 90])
@pytest.mark.parametrize("noise", [0, 4])
def test_a_form_with_empty_boxes_is_read(width: int, noise: float, legible: object, classifier: Classifier) -> None:
    page = Image.new("L", (1200, 160), 255)
    draw = ImageDraw.Draw(page)
    for n in range(10):
        left = 40 + 112 * n
        draw.rectangle([left, 30, left + width, 120], outline=0, width=3)
        if n % 3:
            write(page, legible.images[2 * n], left + width // 2, 75, 46)
    picture = 20 + 0.85 * np.asarray(page) + np.random.default_rng(0).normal(0, noise, (160, 1200))
    answers = read(picture.astype(np.uint8), classifier)
    assert [answer.prediction.digit for answer in answers] == [1, 2, 4, 5, 7, 8]


@pytest.mark.parametrize("teeth", [20, 45, 90])
@pytest.mark.parametrize("slope", [0, 0.03])
def test_a_comb_is_read(teeth: int, slope: float, legible: object, classifier: Classifier) -> None:
    """Its boxes are open above."""
    page = Image.new("L", (1000, 200), 255)
    draw = ImageDraw.Draw(page)
    for n in range(11):
        foot = 140 + slope * 90 * n
        draw.line([(40 + 90 * n, foot), (40 + 90 * n, foot - teeth)], fill=0, width=3)
        if n < 10:
            draw.line([(40 + 90 * n, foot), (130 + 90 * n, foot + slope * 90)], fill=0, width=3)
            if n % 4:
                write(page, legible.images[2 * n], 85 + 90 * n, round(foot) - 46, 70)
    answers = read(np.asarray(page), classifier)
    assert [answer.prediction.digit for answer in answers] == [1, 2, 3, 5, 6, 7, 9]


def test_a_digit_on_a_comb_is_left() -> None:
    def comb(draw: Draw) -> None:
        draw.line([(10, 160), (230, 160)], fill=0, width=4)
        for column in range(10, 231, 55):
            draw.line([(column, 120), (column, 160)], fill=0, width=4)

    lines = mask_of(comb)
    digit = mask_of(lambda draw: draw.ellipse([75, 80, 108, 158], outline=0, width=8))
    found = find(lines | digit)
    assert found[lines & ~digit].mean() > 0.95
    assert not found[digit & ~lines].any() or found[digit & ~lines].mean() < 0.1


@pytest.mark.long
@pytest.mark.parametrize("noise", [0, 4])
@pytest.mark.parametrize("lines", ["left top", "left top bottom", "left top right bottom"])
@pytest.mark.parametrize("slope", [0, 8])
def test_a_cell_cut_from_a_table_is_read(
    lines: str, slope: int, noise: float, legible: object, classifier: Classifier
) -> None:
    random, digits = np.random.default_rng(0), []
    sides = {
        "left": (10, 0, 10 + slope, 199),
        "top": (0, 12, 199, 12 + slope),
        "right": (192, 0, 192 - slope, 199),
        "bottom": (0, 190, 199, 190 - slope),
    }
    for image in legible.images[::2]:
        page = Image.new("L", (200, 200), 255)
        for side in lines.split():
            ImageDraw.Draw(page).line(sides[side], fill=0, width=6)
        write(page, image, 105, 98, 110)
        picture = 20 + 0.85 * np.asarray(page) + random.normal(0, noise, (200, 200)) if noise else np.asarray(page)
        digits.append(classifier.classify(np.rint(picture).astype(np.uint8)).digit)
    assert digits == list(range(10))


@pytest.mark.parametrize("left", [0, 30])
def test_a_1_at_the_edge_is_no_line_of_a_table(left: int) -> None:
    one = mask_of(lambda draw: draw.rectangle([left, 0, left + 24, 239], fill=0))
    assert not find(one).any()


def test_a_row_in_a_frame_is_read(legible: object, classifier: Classifier) -> None:
    page = Image.new("L", (440, 100), 255)
    ImageDraw.Draw(page).rectangle([5, 5, 434, 94], outline=0, width=2)
    for n, image in enumerate(legible.images[2:20:4]):
        write(page, image, 60 + 80 * n, 50, 70)
    assert [answer.prediction.digit for answer in read(np.asarray(page), classifier)] == [1, 3, 5, 7, 9]


def test_strokes_that_touch_a_frame_are_left() -> None:
    frame = mask_of(lambda draw: draw.rectangle([20, 20, 219, 219], outline=0, width=5))
    touching = mask_of(lambda draw: draw.line([(100, 60), (100, 218)], fill=0, width=9))
    free = mask_of(lambda draw: draw.line([(150, 60), (150, 160)], fill=0, width=9))
    found = find(frame | touching | free)
    assert found[frame].all()
    assert not found[free].any()
    assert found[touching & ~frame].mean() < 0.12
    alone = find(frame | touching)
    assert np.array_equal(alone, found)


@pytest.mark.parametrize("degrees", [0, 7])
def test_a_digit_that_touches_its_box_is_read(degrees: float, legible: object, classifier: Classifier) -> None:
    digits = []
    for image in legible.images[::2]:
        page = Image.new("L", (240, 240), 255)
        ImageDraw.Draw(page).rectangle([45, 45, 195, 195], outline=0, width=4)
        write(page, image, 120, 150, 110)
        turned = page.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=255)
        digits.append(classifier.classify(np.asarray(turned)).digit)
    assert sum(np.equal(digits, range(10))) >= 9


@pytest.mark.parametrize("shape", ["0", "8", "6"])
def test_a_digit_of_straight_segments_is_no_box(shape: str) -> None:
    def draw(page: Draw) -> None:
        page.rectangle([60, 20, 180, 220], outline=0, width=14)
        if shape != "0":
            page.line([(60, 120), (180, 120)], fill=0, width=14)
        if shape == "6":
            page.rectangle([166, 34, 180, 112], fill=255)

    assert not find(mask_of(draw)).any()


@pytest.mark.parametrize("noise", [0, 4])
@pytest.mark.parametrize(("digit", "width"), [("0", 12), ("8", 12), ("8", 6)])
def test_a_wide_digit_of_a_display_is_no_box(digit: str, width: int, noise: float, classifier: Classifier) -> None:
    page = Image.new("L", (240, 240), 255)
    draw = ImageDraw.Draw(page)
    draw.rectangle([60, 50, 164, 190], outline=0, width=width)
    if digit == "8":
        draw.line([(60, 120), (164, 120)], fill=0, width=width)
    picture = 20 + 0.85 * np.asarray(page) + np.random.default_rng(0).normal(0, noise, (240, 240))
    assert classifier.classify(picture.astype(np.uint8)).digit == int(digit)


@pytest.mark.parametrize("width", [3, 6])
def test_a_wide_0_beside_other_digits_of_a_display_is_no_box(width: int, classifier: Classifier) -> None:
    page = Image.new("L", (330, 130), 255)
    draw = ImageDraw.Draw(page)
    for left, shape in ((20, "7"), (120, "0"), (220, "5")):
        right = left + 72
        corners = {
            "7": [(left, 25), (right, 25), (right, 105)],
            "0": [(left, 25), (right, 25), (right, 105), (left, 105), (left, 25), (right, 25)],
            "5": [(right, 25), (left, 25), (left, 65), (right, 65), (right, 105), (left, 105)],
        }[shape]
        draw.line(corners, fill=0, width=width)
    answers = read(np.asarray(page), classifier)
    assert [answer.prediction.digit for answer in answers] == [7, 0, 5]


@pytest.mark.parametrize("digit", "012345689")
@pytest.mark.parametrize("width", [3, 6])
def test_an_outlined_digit_is_no_frame(digit: str, width: int, font: Font) -> None:
    def draw(page: Draw) -> None:
        page.text((120, 120), digit, fill=255, font=font(190), anchor="mm", stroke_width=width, stroke_fill=0)

    mask = mask_of(draw)
    assert mask.any()
    found = find(mask)
    assert not found.any() or digit == "0"  # without its outer line, a 0 is a 0


@pytest.mark.parametrize("noise", [0, 3])
def test_bold_printed_digits_are_no_boxes(noise: float, font: Font, classifier: Classifier) -> None:
    """Nor are those that stand close together one symbol."""
    page = Image.new("L", (720, 160), 255)
    ImageDraw.Draw(page).text((20, 20), "18 0968 88 453", fill=0, font=font(90), stroke_width=2)
    picture = 20 + 0.85 * np.asarray(page) + np.random.default_rng(0).normal(0, noise, (160, 720))
    answers = read(picture.astype(np.uint8), classifier)
    assert "".join(str(answer.prediction.digit) for answer in answers) == "18096888453"


@pytest.mark.parametrize("dot", [(113, 110, 127, 130), (116, 100, 124, 140)])
def test_a_dotted_0_is_no_frame(dot: tuple[int, int, int, int]) -> None:
    def draw(page: Draw) -> None:
        page.ellipse([70, 30, 170, 210], outline=0, width=16)
        page.ellipse(dot, fill=0)

    assert not find(mask_of(draw)).any()


def test_ruled_lines_in_a_0_are_no_digits() -> None:
    zero = mask_of(lambda draw: draw.ellipse([70, 30, 170, 210], outline=0, width=6))
    lines = mask_of(lambda draw: draw.line([(0, 120), (239, 120)], fill=0, width=2))
    lines[:, 76:84] = lines[:, 156:164] = False
    assert find(zero | lines).any()
    assert not find_frames(zero | lines, lines).any()


def test_a_grid_that_leaves_the_picture_is_left() -> None:
    rows, columns = np.indices((240, 240))
    grid = (rows % 60 < 3) | (columns % 60 < 3)
    dots = (np.abs(rows % 60 - 30) < 12) & (np.abs(columns % 60 - 30) < 12)
    assert not find(grid | dots).any()
    inside = np.pad((grid | dots)[:183, :183], 20)
    assert np.array_equal(find(inside), np.pad(grid[:183, :183], 20))


@pytest.mark.long
@given(arrays.arrays(np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_frames_are_a_part_of_the_mask(mask: np.ndarray) -> None:
    assert not (find(mask) & ~mask).any()
