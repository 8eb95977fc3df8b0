"""Draw documents with digits in them: forms, tables, printed numbers, displays, and digits that touch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from mnist_tools.rendering.camera import Conditions, Written, photograph

if TYPE_CHECKING:
    from mnist_trainer import Dataset

__all__ = ["DOCUMENTS", "Document", "photograph_document"]

Pixels = npt.NDArray[np.uint8]
Random = np.random.Generator
Box = tuple[float, float, float, float]

FINE = 2
"""Pixels of the drawing for each pixel of the picture, so that lines are smooth."""
FILLED = 0.6
"""Probability that a box of a form is filled in."""
ROWS = 3
"""Rows of a document."""
INK = 127
"""Value of a pixel, 0..255, from which it touches another one."""
SEGMENTS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")
"""Segments of each digit of a display."""


@dataclass
class Document:
    """A drawing on which digits are written.

    Parameters
    ----------
    shape : (int, int)
        Height and width in pixels.
    written : list of Written
        Digits that are still to be written, by hand.
    digits : list of (int, float, float)
        Every digit, written or printed, with row and column of its center.
    """

    shape: tuple[int, int]
    written: list[Written] = field(default_factory=list)
    digits: list[tuple[int, float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.drawing = Image.new("L", (FINE * self.shape[1], FINE * self.shape[0]))
        self.draw = ImageDraw.Draw(self.drawing)

    def line(self, thickness: float, *corners: float) -> None:
        """Draw a line through columns and rows, in turn."""
        self.draw.line([FINE * each for each in corners], fill=255, width=round(FINE * thickness))

    def write(self, digits: Dataset, row: float, column: float, height: float, random: Random) -> None:
        """Write any of the `digits` by hand."""
        index = int(random.integers(len(digits.labels)))
        row, column = (middle + random.uniform(-0.08, 0.08) * height for middle in (row, column))
        self.written.append(Written(digits.images[index], row, column, height, random.uniform(-8, 8)))
        self.digits.append((int(digits.labels[index]), row, column))


def cells(digits: Dataset, random: Random, gap: float, draw: Callable[[Document, float, Box], None]) -> Document:
    """Return a form of `ROWS` rows of cells, `gap` of their width apart; `draw` gets thickness and corners of each."""
    height, number = random.uniform(45, 90), int(random.integers(5, 9))
    width, thickness = height * random.uniform(0.75, 1), random.uniform(1.5, 4)
    pitch, row_pitch = width * (1 + gap), height * (1 if gap == 0 else 1.4)
    margin = height
    form = Document((round(ROWS * row_pitch + 2 * margin), round(number * pitch + 2 * margin)))
    for row in range(ROWS):
        for column in range(number):
            left, top = margin + column * pitch, margin + row * row_pitch
            draw(form, thickness, (left, top, left + width, top + height))
            if random.random() < FILLED:
                form.write(digits, top + height / 2, left + width / 2, 0.6 * min(width, height), random)
    return form


def box(form: Document, thickness: float, corners: Box) -> None:
    """Draw the four sides of a cell."""
    left, top, right, bottom = corners
    form.line(thickness, left, top, right, top, right, bottom, left, bottom, left, top, right, top)


def open_box(form: Document, thickness: float, corners: Box) -> None:
    """Draw a cell that is open above; its sides are half as high."""
    left, top, right, bottom = corners
    middle = (top + bottom) / 2
    form.line(thickness, left, middle, left, bottom, right, bottom, right, middle)


def underline(form: Document, thickness: float, corners: Box) -> None:
    """Draw a line below a cell."""
    left, _, right, bottom = corners
    form.line(thickness, left, bottom, right, bottom)


def comb(digits: Dataset, random: Random) -> Document:
    """Return rows of open boxes side by side."""
    return cells(digits, random, 0, lambda form, thickness, corners: open_box(form, thickness, _apart(corners)))


def _apart(corners: Box) -> Box:
    """Return a cell that is lower than the space between two rows."""
    left, top, right, bottom = corners
    return left, top + 0.2 * (bottom - top), right, bottom - 0.02 * (bottom - top)


def printed(_: Dataset, random: Random) -> Document:
    """Print rows of numbers in any of the fonts of Matplotlib that have digits."""
    import matplotlib  # optional, as for other pictures

    fonts = [str(path) for path in Path(matplotlib.get_data_path(), "fonts", "ttf").glob("DejaVuS*[!y].ttf")]
    size, number = int(random.integers(24, 90)), int(random.integers(4, 9))
    font = ImageFont.truetype(random.choice(sorted(fonts)), FINE * size)
    page = Document((round(ROWS * 1.3 * size + 2 * size), round((0.9 * number + 2) * size)))
    for row in range(ROWS):
        left, top = float(size), (0.9 + 1.3 * row) * size
        for digit in random.integers(0, 10, number):
            corner = (FINE * left, FINE * top)
            page.draw.text(corner, str(digit), fill=255, font=font)
            first, above, last, below = page.draw.textbbox(corner, str(digit), font=font)
            page.digits.append((int(digit), (above + below) / 2 / FINE, (first + last) / 2 / FINE))
            left += font.getlength(str(digit)) / FINE
    return page


def display(_: Dataset, random: Random) -> Document:
    """Draw rows of seven-segment digits, with gaps of up to a third of a segment's thickness."""
    height, number = random.uniform(40, 120), int(random.integers(3, 7))
    width, thick = height * random.uniform(0.45, 0.6), height * random.uniform(0.09, 0.15)
    gap, slant = random.uniform(0, 0.17) * thick, random.uniform(0, 0.12)
    page = Document((round(ROWS * 1.5 * height + height), round((number + 1) * 1.45 * width + height)))
    for row in range(ROWS):
        for column, digit in enumerate(random.integers(0, 10, number)):
            left, top = 0.5 * height + 1.45 * width * column, (0.5 + 1.5 * row) * height
            corners = []
            for name in SEGMENTS[digit]:
                outline = _segment(name, height, width, thick, gap)
                corners += [(left + x + slant * (height - y), top + y) for x, y in outline]
                page.draw.polygon([(FINE * x, FINE * y) for x, y in corners[-len(outline) :]], fill=255)
            column_center, row_center = (np.max(corners, axis=0) + np.min(corners, axis=0)) / 2
            page.digits.append((int(digit), row_center, column_center))
    return page


def _segment(name: str, height: float, width: float, thick: float, gap: float) -> list[tuple[float, float]]:
    """Return the corners (x, y) of a segment, whose ends are pointed."""
    half = thick / 2
    rows = {"top": half, "middle": height / 2, "bottom": height - half}
    if name in "agd":
        y, first, last = rows[{"a": "top", "g": "middle", "d": "bottom"}[name]], half + gap, width - half - gap
        return [
            (first, y),
            (first + half, y - half),
            (last - half, y - half),
            (last, y),
            (last - half, y + half),
            (first + half, y + half),
        ]
    x = half if name in "fe" else width - half
    above, below = ("top", "middle") if name in "fb" else ("middle", "bottom")
    first, last = rows[above] + gap, rows[below] - gap
    return [
        (x, first),
        (x + half, first + half),
        (x + half, last - half),
        (x, last),
        (x - half, last - half),
        (x - half, first + half),
    ]


def touching(digits: Dataset, random: Random, count: int) -> Document:
    """Write rows of groups of `count` digits. Each digit is moved left until it touches the one before."""
    height, number = random.uniform(45, 90), int(random.integers(3, 6))
    side, pitch = round(FINE * 1.4 * height), (0.8 * count + 0.8) * height  # a digit has 20 of an image's 28 pixels
    page = Document((round((1.6 * ROWS + 1) * height), round(number * pitch + height)))
    for row in range(ROWS):
        for column in range(number):
            left, top = round(FINE * (0.4 * height + column * pitch)), round(FINE * (0.5 + 1.6 * row) * height)
            before = None
            for index in random.integers(len(digits.labels), size=count):
                image = np.asarray(Image.fromarray(digits.images[index]).resize((side, side)))
                mask = image > INK
                if before is not None:
                    shifts = range(side, 0, -1)
                    left += next((at for at in shifts if (before[:, at:] & mask[:, : side - at]).any()), 0)
                page.drawing.paste(255, (left, top), Image.fromarray(image))
                rows, columns = np.nonzero(mask)
                page.digits.append(
                    (int(digits.labels[index]), (top + rows.mean()) / FINE, (left + columns.mean()) / FINE)
                )
                before = mask
    return page


DOCUMENTS: dict[str, Callable[[Dataset, Random], Document]] = {
    "boxes apart": lambda digits, random: cells(digits, random, 0.3, box),
    "table": lambda digits, random: cells(digits, random, 0, box),
    "comb": comb,
    "a line under each digit": lambda digits, random: cells(digits, random, 0.3, underline),
    "printed numbers": printed,
    "display": display,
    "pairs that touch": lambda digits, random: touching(digits, random, 2),
    "three that touch": lambda digits, random: touching(digits, random, 3),
}
"""Name -> a document; boxes, cells and lines may be empty."""


def photograph_document(document: Document, conditions: Conditions, random: Random) -> Pixels:
    """Photograph a document (h, w, 3) with the light, noise and file of `conditions`."""
    coverage = np.asarray(document.drawing.reduce(FINE), np.float32) / 255
    return photograph(document.written, document.shape, replace(conditions, bend=0.0, desk=False), random, coverage)
