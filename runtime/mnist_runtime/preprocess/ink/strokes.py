"""`thicken`: thin strokes, as of a pencil, made as thick as those of the pens that MNIST was written with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mnist_runtime.preprocess.grayscale import FloatImage
from mnist_runtime.preprocess.ink.components import connected_components

__all__ = ["STROKE", "is_scribble", "is_thin", "stroke_width", "thicken"]


STROKE = 0.4
"""Share of the darkest ink from which a pixel is a stroke's."""


WIDTH = 1 / 11
"""Least width of a stroke, as a share of the digit's longer side: 1.8 of MNIST's 20 pixels, where 2 to 3 are usual."""


FADING = WIDTH / 2
"""Width below which a stroke fades in MNIST's pixels: a drawing's that is no thinner keeps its ink as it is."""


def thicken(ink: FloatImage, mask: npt.NDArray[np.bool_]) -> FloatImage:
    """Return the `ink` (h, w) of one digit, of which `mask` are the strokes, with none thinner than 1/11 of it.

    In the 20 pixels that MNIST gives to a digit a thinner stroke would fade to grey. Ink that is thick enough is
    returned as it is.
    """
    steps = max(0, round((WIDTH * max(mask.shape) - stroke_width(mask)) / 2))
    thick = np.pad(ink, steps)
    for step in range(steps):  # by turns a cross and a square, which together make an octagon
        thick = _spread(thick, square=step % 2 == 1)
    return thick


def is_thin(mask: npt.NDArray[np.bool_], size: int) -> bool:
    """Say whether the strokes `mask` of a digit whose longer side is `size` are so thin that they would fade."""
    return stroke_width(mask) < FADING * size


def stroke_width(mask: npt.NDArray[np.bool_]) -> float:
    """Return the mean width of the strokes of `mask`, in pixels: their area over half of their outline."""
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    outline = (mask & ~inside).sum()
    return float(2 * mask.sum() / max(1, outline))


def _spread(ink: FloatImage, square: bool) -> FloatImage:
    """Return for each pixel the strongest of it and its four neighbours, or eight."""
    padded = np.pad(ink, 1)
    rows = np.maximum(np.maximum(padded[:-2], padded[2:]), padded[1:-1])
    if square:
        return np.maximum(np.maximum(rows[:, :-2], rows[:, 2:]), rows[:, 1:-1])
    return np.maximum(np.maximum(padded[1:-1, :-2], padded[1:-1, 2:]), rows[:, 1:-1])


HOLES = 2
"""An 8 has two. Of MNIST's digits, in their few pixels, one in 600 has three."""


LEAST = 0.004
"""Share of the box around a sign that a hole covers, at least; less is a gap in the grain of a pencil."""


SMALLEST = 32
"""Pixels of a sign's longer side below which its holes are not told apart."""


def is_scribble(ink: FloatImage) -> bool:
    """Say whether the strokes of one sign, of which `ink` (h, w) is 0..255, enclose more than a digit's do.

    Examples
    --------
    >>> lattice = np.zeros((100, 100), np.float32)
    >>> lattice[::20] = lattice[:, ::20] = 255
    >>> is_scribble(lattice)
    True
    """
    strokes = ink > STROKE * 255
    rows, columns = np.flatnonzero(strokes.any(axis=1)), np.flatnonzero(strokes.any(axis=0))
    box = strokes[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if max(box.shape) < SMALLEST:
        return False
    gaps = connected_components(~np.pad(box, 1))
    areas = gaps.sums(np.ones(gaps.labels.shape, np.float32))
    return int((areas[1:] >= LEAST * box.size).sum()) > HOLES  # the first is what lies around
