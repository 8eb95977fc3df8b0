"""Find and prepare all symbols of a page that may be digits."""

from __future__ import annotations

from typing import NamedTuple

from mnist_runtime.preprocess.decode import PictureSource, load_pixels
from mnist_runtime.preprocess.grayscale import check_picture, color_axis, grayscale
from mnist_runtime.preprocess.ink.photo import photo_ink
from mnist_runtime.preprocess.ink.symbols import typical_height
from mnist_runtime.preprocess.prepare import Ink

__all__ = ["Found", "find"]

LONGEST = 1600
"""Longer side, in pixels, to which a page is reduced."""
SMALLEST = 1 / 80
"""Smallest size of a digit, as a fraction of the page's longer side: 20 of 1600 pixels."""
LOWEST, HIGHEST = 0.4, 2.5
"""Range of a digit's height, as multiples of the typical one."""


class Found(NamedTuple):
    """A prepared symbol, and its left, top, right and bottom in pixels of the upright picture."""

    box: tuple[int, int, int, int]
    ink: Ink


def find(picture: PictureSource) -> list[Found]:
    """Return the symbols of a page whose size fits a digit, those with the most ink first."""
    pixels = load_pixels(picture)
    check_picture(pixels)
    height, width = pixels.shape[:2]
    factor = -(-max(height, width) // LONGEST)
    page = photo_ink(grayscale(pixels, LONGEST), SMALLEST)
    if not page.symbols and (colors := color_axis(pixels, LONGEST)) is not None:
        page = photo_ink(colors, SMALLEST)
    typical = typical_height(page.symbols)
    found = []
    for symbol in page.symbols:
        if LOWEST * typical <= symbol.height and symbol.size <= HIGHEST * typical:
            top, left, bottom, right = (side * factor for side in symbol.box)
            box = (left, top, min(right, width), min(bottom, height))
            found.append(Found(box, Ink.of(page.extract(symbol))))
    return found
