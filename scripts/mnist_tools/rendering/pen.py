"""Render MNIST images as smooth pen strokes of any size and thickness, and lines around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy import ndimage

__all__ = ["FRAMES", "Written", "draw_frame", "place", "stroke_of"]

Pixels = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Random = np.random.Generator
Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Written:
    """A digit on a page.

    Parameters
    ----------
    image : ndarray of shape (28, 28), dtype uint8
        The digit as in MNIST.
    row, column : float
        Its middle, in pixels of the page.
    height : float
        Its height in pixels.
    angle : float
        Its rotation in degrees.
    """

    image: Pixels
    row: float
    column: float
    height: float
    angle: float = 0.0


def place(digit: Written, width: float = 1.0) -> tuple[Plane, int, int]:
    """Return the coverage 0..1 of a digit's strokes, and the row and column of its upper left corner."""
    stroke = stroke_of(digit.image, digit.height, width)
    if digit.angle:
        stroke = np.clip(ndimage.rotate(stroke, digit.angle, order=1), 0, 1)
    top = round(digit.row - stroke.shape[0] / 2)
    left = round(digit.column - stroke.shape[1] / 2)
    return stroke, top, left


def stroke_of(image: Pixels, height: float, width: float = 1.0) -> Plane:
    """Return the coverage 0..1 of the strokes of `image`, smooth at any size.

    Parameters
    ----------
    image : ndarray of shape (28, 28), dtype uint8
    height : float
        Height of the strokes in pixels.
    width : float
        Width of the strokes, as a fraction of their width in the image; below 1 they become lines of one width.
    """
    rows, columns = np.flatnonzero(image.max(axis=1) > 60), np.flatnonzero(image.max(axis=0) > 60)
    cut = np.pad(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32) / 255, 3)
    zoom = 6 if width < 1 else min(280 / cut.shape[0], 4 * max(20.0, height) / cut.shape[0])
    marked = ndimage.gaussian_filter(ndimage.zoom(cut, zoom, order=3), 0.35 * zoom) > 0.42
    inside, outside = ndimage.distance_transform_edt(marked), ndimage.distance_transform_edt(~marked)
    # A signed distance to the outline stays smooth when it is enlarged.
    if width < 1:
        middle = _skeleton(marked)
        radius = width * float(inside[middle].mean())
        signed = ndimage.gaussian_filter(radius - ndimage.distance_transform_edt(~middle), 1.0)
    else:
        signed = np.where(marked, inside - 0.5, 0.5 - outside)
    rows, columns = np.flatnonzero((signed > 0).any(axis=1)), np.flatnonzero((signed > 0).any(axis=0))
    signed = signed[max(0, rows[0] - 4) : rows[-1] + 5, max(0, columns[0] - 4) : columns[-1] + 5]
    scale = height / (rows[-1] - rows[0] + 1)
    if scale < 1:
        signed = ndimage.gaussian_filter(signed, 0.4 / scale)
    scaled = ndimage.zoom(signed.astype(np.float32), scale, order=1, grid_mode=True, mode="nearest")
    coverage: Plane = np.clip(scaled * scale + 0.5, 0, 1)
    return coverage


def circle(height: float, width: float, random: Random) -> Points:
    """Return the points of a line around a digit of `height` x `width`, drawn by hand, as (right, down) of its middle.

    One in four is open at one place.
    """
    turn = random.uniform(0.9, 0.96) if random.random() < 0.25 else random.uniform(1.0, 1.06)
    angles = random.uniform(0, 2 * np.pi) + np.linspace(0, 2 * np.pi * turn, 90)
    bent = 1 + sum(random.uniform(0, 0.05) * np.sin(n * angles + random.uniform(0, 6)) for n in (2, 3))
    radius = np.hypot(height, width) / 2 * random.uniform(1.2, 1.5) * bent
    return list(zip(radius * np.cos(angles), radius * np.sin(angles), strict=True))


def box(height: float, width: float, random: Random) -> Points:
    """Return the corners of a box of a form around a digit of `height` x `width`, as (right, down) of its middle."""
    margin = height * random.uniform(0.1, 0.25)
    down, right = height / 2 + margin, max(width, 0.7 * height) / 2 + margin
    return [(-right, -down), (right, -down), (right, down), (-right, down), (-right, -down), (0.0, -down)]


FRAMES: dict[str, Callable[[float, float, Random], Points]] = {"circle": circle, "box": box}
"""Name -> the line around a digit."""


def draw_frame(coverage: Plane, name: str, digit: Written, extents: tuple[int, ...], random: Random) -> None:
    """Draw a row of `FRAMES` around `digit` with its `extents` in pixels on the `coverage` 0..1 of a page."""
    points = FRAMES[name](extents[0], extents[1], random)
    page = Image.new("L", (coverage.shape[1], coverage.shape[0]))
    width = max(1, round(digit.height * random.uniform(0.02, 0.07)))
    line = [(digit.column + right, digit.row + down) for right, down in points]
    ImageDraw.Draw(page).line(line, fill=255, width=width, joint="curve")
    smooth = ndimage.gaussian_filter(np.asarray(page, np.float32) / 255, 0.6)
    np.maximum(coverage, smooth, out=coverage)


def _skeleton(mask: Mask) -> Mask:
    """Return the center lines of `mask`, one pixel wide (T. Y. Zhang, C. Y. Suen 1984)."""
    thin = np.pad(mask, 1)
    height, width = thin.shape
    around = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
    changed = True
    while changed:
        changed = False
        for first, second in (((0, 2, 4), (2, 4, 6)), ((0, 2, 6), (0, 4, 6))):
            padded = np.pad(thin, 1)
            ring = np.stack([padded[1 + row :, 1 + column :][:height, :width] for row, column in around])
            number = ring.sum(axis=0)
            turns = (~ring & np.roll(ring, -1, axis=0)).sum(axis=0)
            kept = ring[list(first)].all(axis=0) | ring[list(second)].all(axis=0)
            removed = thin & (number >= 2) & (number <= 6) & (turns == 1) & ~kept
            changed |= bool(removed.any())
            thin &= ~removed
    return thin[1:-1, 1:-1]
