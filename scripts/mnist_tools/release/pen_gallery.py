"""Draw docs/pictures/pen.png: digits, letters and signs of the simulated pen."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from mnist_runtime.system.atomic import atomic_write, check_output_path
from mnist_tools.checkout import ROOT
from mnist_trainer.augmentation.pen.draw import draw_shape, draw_signs
from mnist_trainer.augmentation.pen.hand import DISPLAY, PRESS, WRITER, Hand
from mnist_trainer.augmentation.pen.skeleton import Skeleton
from mnist_trainer.augmentation.pen.styles.printed import PRINTED, SEGMENTS
from mnist_trainer.augmentation.pen.styles.written import WRITTEN

__all__ = ["PICTURE", "gallery", "main"]

PICTURE = ROOT / "docs" / "pictures" / "pen.png"
COLUMNS = 36
CELL = 30
TITLE = 22

Images = npt.NDArray[np.uint8]


def gallery(seed: int) -> Image.Image:
    """Return the gallery: two rows of each written digit, then print, displays and signs."""
    blocks = {"written digits": [row for digit in range(10) for row in _digit_rows(digit, seed)]}
    blocks["printed digits"] = [_mixed(PRINTED, PRESS, seed)]
    blocks["seven segments"] = [_mixed(SEGMENTS, DISPLAY, seed)]
    signs = draw_signs(3 * COLUMNS, seed)
    blocks["no digits"] = [signs[begin : begin + COLUMNS] for begin in range(0, len(signs), COLUMNS)]
    height = sum(TITLE + CELL * len(rows) for rows in blocks.values())
    page = Image.new("L", (COLUMNS * CELL, height), 255)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(14)
    top = 0
    for title, rows in blocks.items():
        draw.text((2, top + 2), title, 0, font)
        top += TITLE
        for row in rows:
            for column, image in enumerate(row):
                page.paste(Image.fromarray(image), (column * CELL + 1, top + 1))
            top += CELL
    return page


def _digit_rows(digit: int, seed: int) -> list[Images]:
    """Return two rows of a digit in all of its shapes, in the order of the table."""
    shapes = WRITTEN[digit]
    each = [draw_shape(shape, WRITER, 2 * COLUMNS // len(shapes) + 1, seed) for shape in shapes]
    chosen = np.concatenate(each)
    places = np.linspace(0, len(chosen) - 1, 2 * COLUMNS).round().astype(int)
    return [chosen[places[:COLUMNS]], chosen[places[COLUMNS:]]]


def _mixed(table: Sequence[Sequence[Skeleton]], hand: Hand, seed: int) -> Images:
    """Return one row of the digits of `table`."""
    shapes = [shape for shapes in table for shape in shapes]
    places = np.linspace(0, len(shapes) - 1, COLUMNS).round().astype(int)
    return np.stack([draw_shape(shapes[place], hand, 1, seed + index)[0] for index, place in enumerate(places)])


def main(argv: Sequence[str] | None = None) -> int:
    """Write the picture."""
    parser = argparse.ArgumentParser(prog="scripts/tool release pen-gallery", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other images (default: 0)")
    parser.add_argument("--output", type=Path, default=PICTURE, metavar="FILE.png")
    arguments = parser.parse_args(argv)
    check_output_path(arguments.output)
    with atomic_write(arguments.output) as temporary:
        gallery(arguments.seed).quantize(32).save(temporary, format="png", optimize=True)
    print(arguments.output)
    return 0
