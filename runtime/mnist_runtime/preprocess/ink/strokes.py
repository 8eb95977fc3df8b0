"""Measure and thicken strokes, and detect scribbles."""

from __future__ import annotations

import numpy as np

from mnist_runtime.preprocess.grayscale import FloatImage, Mask, bounding_box, erode
from mnist_runtime.preprocess.ink.components import connected_components

__all__ = ["STROKE", "is_scribble", "is_thin", "stroke_width", "thicken"]

STROKE = 0.4
"""Least ink of a stroke's pixel, as a fraction of the darkest ink."""
WIDTH = 1 / 11
"""Least width of a stroke, as a fraction of the digit's longer side: 1.8 of MNIST's 20 pixels."""
FADING = WIDTH / 2
"""Width below which strokes become gray in MNIST's pixels."""
HOLES = 2
"""Most holes of a digit: those of an 8. One in 600 of MNIST's digits has three."""
LEAST_HOLE = 0.004
"""Least area of a hole, as a fraction of the symbol's box; grain has smaller gaps."""
SMALLEST = 32
"""Longer side of a symbol, in pixels, below which holes are not counted."""


def thicken(ink: FloatImage, strokes: Mask) -> FloatImage:
    """Thicken the `ink` (h, w) of one digit until its `strokes` are 1/11 of its longer side wide."""
    steps = max(0, round((WIDTH * max(strokes.shape) - stroke_width(strokes)) / 2))
    thick = np.pad(ink, steps)
    for step in range(steps):  # alternately by a cross and a square, together nearly a circle
        thick = _maximum_filter(thick, square=step % 2 == 1)
    return thick


def is_thin(strokes: Mask, size: int) -> bool:
    """Return whether the strokes of a digit with a longer side of `size` would become gray in MNIST's pixels."""
    return stroke_width(strokes) < FADING * size


def stroke_width(strokes: Mask) -> float:
    """Return the mean width of strokes in pixels: their area divided by half of their outline."""
    outline = (strokes & ~erode(strokes, beyond=False)).sum()
    return float(2 * strokes.sum() / max(1, outline))


def is_scribble(ink: FloatImage) -> bool:
    """Return whether the strokes of one symbol, with `ink` (h, w), 0..255, enclose more holes than a digit's.

    Examples
    --------
    >>> lattice = np.zeros((100, 100), np.float32)
    >>> lattice[::20] = lattice[:, ::20] = 255
    >>> is_scribble(lattice)
    True
    """
    strokes = ink > STROKE * 255
    if not strokes.any():
        return False
    box = strokes[bounding_box(strokes)]
    if max(box.shape) < SMALLEST:
        return False
    gaps = connected_components(~np.pad(box, 1))
    areas = gaps.sums(np.ones(gaps.labels.shape, np.float32))
    return int((areas[1:] >= LEAST_HOLE * box.size).sum()) > HOLES  # the first gap surrounds the symbol


def _maximum_filter(ink: FloatImage, square: bool) -> FloatImage:
    """Return the maximum of each pixel and its four neighbors; of its eight neighbors if `square`."""
    padded = np.pad(ink, 1)
    rows = np.maximum(np.maximum(padded[:-2], padded[2:]), padded[1:-1])
    if square:
        return np.maximum(np.maximum(rows[:, :-2], rows[:, 2:]), rows[:, 1:-1])
    return np.maximum(np.maximum(padded[1:-1, :-2], padded[1:-1, 2:]), rows[:, 1:-1])
