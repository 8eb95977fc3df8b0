"""Draw a box and a label at each digit of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from mnist_runtime.preprocess.decode import PictureSource, load_pixels, pillow_image
from mnist_runtime.reading.page import Reading

if TYPE_CHECKING:
    from PIL import Image, ImageFont

__all__ = ["annotate"]

Box = tuple[int, int, int, int]

LINE, THICKEST = 1 / 500, 1 / 30
"""Width of a line, as fractions of the picture's longer side and of the median box's height; the smaller counts."""
LETTERS = 0.3
"""Height of the digit in a label, as a fraction of the median box; the confidence is half as high."""
SMALLEST_DIGIT, SMALLEST_CONFIDENCE = 12, 8
"""Least heights in a label, in pixels, so that it is legible."""
LONGEST = 20
"""Most characters of a label that are drawn."""
DIGIT, NO_DIGIT, EDGE = (255, 221, 0), (255, 140, 120), (0, 0, 0)
"""Light colors with a black edge, which contrast with any picture."""


def annotate(picture: PictureSource, readings: Sequence[Reading]) -> Image.Image:
    """Return a copy of a picture with its readings marked.

    Lines are drawn around each box, never inside. A label is placed beside it, where it covers least of the others.

    Parameters
    ----------
    picture : array_like, str, Path, bytes, file object or PIL.Image.Image
        The picture that was read.
    readings : sequence of Reading
        The result of `read`.

    Returns
    -------
    PIL.Image.Image
        RGBA if the picture is, else RGB.
    """
    from PIL import ImageDraw

    image = pillow_image(load_pixels(picture))
    image = image if image.mode == "RGBA" else image.convert("RGB")
    draw = ImageDraw.Draw(image)
    usual = median([found.box[3] - found.box[1] for found in readings] or [0])
    line = max(1, round(min(LINE * max(image.size), THICKEST * usual)))
    letters = round(LETTERS * usual)
    occupied = [_enlarged(found.box, 3 * line) for found in readings]
    for box, found in zip(occupied[:], readings, strict=True):
        color = NO_DIGIT if found.prediction.label is None else DIGIT
        for inset, shade in ((0, EDGE), (line, color), (2 * line, EDGE)):
            left, top, right, bottom = _enlarged(box, -inset)
            draw.rectangle((left, top, right - 1, bottom - 1), outline=shade, width=line)
        for with_confidence in (True, False):
            label = _label(found, letters, line, with_confidence)
            place, covered = _place_beside(box, label.size, image.size, occupied)
            if not covered:
                break
        occupied.append(place)
        draw.rectangle((place[0], place[1], place[2] - 1, place[3] - 1), fill=EDGE)
        draw.bitmap(place[:2], label, fill=color)
    return image


def _enlarged(box: Box, by: int) -> Box:
    return (box[0] - by, box[1] - by, box[2] + by, box[3] + by)


def _place_beside(box: Box, size: tuple[int, int], limits: tuple[int, int], occupied: Sequence[Box]) -> tuple[Box, int]:
    """Return where a label of `size` overlaps least, above `box`, below, on its right or on its left, and how much."""
    left, top, right, bottom = box
    width, height = size
    others = np.array(occupied)
    places = []
    for across, down in ((left, top - height), (left, bottom), (right, top), (left - width, top)):
        x, y = max(0, min(across, limits[0] - width)), max(0, min(down, limits[1] - height))
        place = (x, y, x + width, y + height)
        shared = np.minimum(others[:, 2:], place[2:]) - np.maximum(others[:, :2], place[:2])
        places.append((place, int(np.prod(shared.clip(0), axis=1).sum())))
    return min(places, key=itemgetter(1))


def _label(found: Reading, letters: int, line: int, with_confidence: bool) -> Image.Image:
    """Return a label, light on dark, with a margin of two line widths."""
    from PIL import Image

    prediction = found.prediction
    digit = _text((prediction.label or "?")[:LONGEST], max(SMALLEST_DIGIT, letters))
    confidence = _text(f"{int(100 * prediction.confidence)}%", max(SMALLEST_CONFIDENCE, letters // 2))
    space = max(2, 2 * line)
    width = confidence.width + space if with_confidence else 0
    label = Image.new("L", (digit.width + width + 2 * space, digit.height + 2 * space))
    label.paste(digit, (space, space))
    label.paste(confidence, (digit.width + 2 * space, space + digit.height - confidence.height))
    return label


def _text(text: str, height: int) -> Image.Image:
    """Return `text`, light on dark, about `height` pixels high, without a margin."""
    from PIL import Image, ImageDraw, ImageFont

    font = _font(height)
    if not isinstance(font, ImageFont.FreeTypeFont):  # its characters are those of Latin-1
        text = text.encode("latin-1", "replace").decode("latin-1")
    left, top, right, bottom = map(round, ImageDraw.Draw(Image.new("L", (1, 1))).textbbox((0, 0), text, font=font))
    image = Image.new("L", (max(1, right - left), max(1, bottom - top)))  # some characters are blank
    ImageDraw.Draw(image).text((-left, -top), text, fill=255, font=font)
    factor = max(1, round(height / image.height))  # above 1 only if the font has one size
    return image.resize((factor * image.width, factor * image.height)) if factor > 1 else image


def _font(height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    from PIL import ImageFont

    try:
        return ImageFont.load_default(height * 1.4)  # a digit has 0.7 of the font size
    except TypeError:  # before Pillow 10.1, the font has one size
        return ImageFont.load_default()
