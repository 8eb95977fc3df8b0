"""`annotate`: a picture with a box around each digit, and what it is."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mnist_runtime.reading.page import Reading

if TYPE_CHECKING:
    from PIL import Image, ImageFont

__all__ = ["annotate"]

Box = tuple[int, int, int, int]

LINE = 1 / 500
"""Width of a line, as a share of the picture's longer side."""
LETTERS = 0.3
"""Height of an answer, as a share of the digits' height; the confidence beside it is half as high."""
SMALLEST, SMALLEST_OF_ALL = 12, 8
"""Height of an answer and of a confidence, in pixels, at least, so that they can be read."""
DIGIT, NO_DIGIT, EDGE = (255, 221, 0), (255, 140, 120), (0, 0, 0)
"""Colours, light ones: with the black edge that they have, they stand out from any picture."""


def annotate(picture: npt.NDArray[np.uint8], readings: Sequence[Reading]) -> Image.Image:
    """Return a copy of a picture in which its readings are marked.

    Lines lie around the boxes, none within. A label with answer and confidence lies beside each, where it covers the
    least of the others.

    Parameters
    ----------
    picture : ndarray of shape (h, w), (h, w, 3) or (h, w, 4), dtype uint8
        As `read` was given it: upright.
    readings : sequence of Reading
        What `read` found in it.

    Returns
    -------
    PIL.Image.Image
        RGB, or RGBA where the picture is.
    """
    from PIL import Image, ImageDraw

    image = Image.fromarray(np.ascontiguousarray(picture))
    image = image if image.mode == "RGBA" else image.convert("RGB")
    draw = ImageDraw.Draw(image)
    line = max(1, round(LINE * max(image.size)))
    letters = round(LETTERS * median([found.box[3] - found.box[1] for found in readings] or [0]))
    taken = [_grown(found.box, 3 * line) for found in readings]
    for box, found in zip(taken[:], readings, strict=True):
        colour = NO_DIGIT if found.prediction.digit is None else DIGIT
        left, top, right, bottom = box
        for inward, shade in ((0, EDGE), (line, colour), (2 * line, EDGE)):
            draw.rectangle(
                (left + inward, top + inward, right - 1 - inward, bottom - 1 - inward), outline=shade, width=line
            )
        label = _label(found, letters, line)
        place = _place_beside(box, label.size, image.size, taken)
        taken.append(place)
        draw.rectangle((place[0], place[1], place[2] - 1, place[3] - 1), fill=EDGE)
        draw.bitmap(place[:2], label, fill=colour)
    return image


def _grown(box: Box, by: int) -> Box:
    return (box[0] - by, box[1] - by, box[2] + by, box[3] + by)


def _place_beside(box: Box, size: tuple[int, int], room: tuple[int, int], taken: Sequence[Box]) -> Box:
    """Return where a label of `size` covers the least: above `box`, else below, else on its right or left."""
    left, top, right, bottom = box
    width, height = size
    places = []
    for across, down in ((left, top - height), (left, bottom), (right, top), (left - width, top)):
        x, y = max(0, min(across, room[0] - width)), max(0, min(down, room[1] - height))
        places.append((x, y, x + width, y + height))
    return min(places, key=lambda place: sum(_shared(place, other) for other in taken))


def _shared(one: Box, other: Box) -> int:
    """Return the area that two boxes have in common."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0, width) * max(0, height)


def _label(found: Reading, letters: int, line: int) -> Image.Image:
    """Return an answer and its confidence, light on dark, in an edge of `line`."""
    from PIL import Image

    answer = _words("?" if found.prediction.digit is None else str(found.prediction.digit), max(SMALLEST, letters))
    share = _words(f"{int(100 * found.prediction.confidence)}%", max(SMALLEST_OF_ALL, letters // 2))
    space = max(2, 2 * line)
    label = Image.new("L", (answer.width + share.width + 3 * space, answer.height + 2 * space))
    label.paste(answer, (space, space))
    label.paste(share, (answer.width + 2 * space, space + answer.height - share.height))
    return label


def _words(text: str, height: int) -> Image.Image:
    """Return `text`, light on dark, some `height` pixels high, without a margin."""
    from PIL import Image, ImageDraw

    font = _font(height)
    left, top, right, bottom = map(round, ImageDraw.Draw(Image.new("L", (1, 1))).textbbox((0, 0), text, font=font))
    words = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(words).text((-left, -top), text, fill=255, font=font)
    times = max(1, round(height / words.height))  # above 1 where letters have but one size
    return words.resize((times * words.width, times * words.height)) if times > 1 else words


def _font(height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    from PIL import ImageFont

    try:
        return ImageFont.load_default(height * 1.4)  # a digit is 0.7 of its font's size high
    except TypeError:  # Pillow below 10.1 has letters of one size
        return ImageFont.load_default()
