"""`is_scribble`: whether a sign is so entangled that it can be no digit, of which a network might yet be sure."""

from __future__ import annotations

import numpy as np

from mnist_runtime.brightness import Grey
from mnist_runtime.components import components
from mnist_runtime.strokes import STROKE

__all__ = ["is_scribble"]

HOLES = 2
"""An 8 has two. Of MNIST's digits, in their few pixels, one in 600 has three."""
LEAST = 0.004
"""Share of the box around a sign that a hole covers, at least; less is a gap in the grain of a pencil."""
SMALLEST = 32
"""Pixels of a sign's longer side below which its holes are not told apart."""


def is_scribble(ink: Grey) -> bool:
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
    gaps = components(~np.pad(box, 1))
    areas = gaps.sums(np.ones(gaps.labels.shape, np.float32))
    return int((areas[1:] >= LEAST * box.size).sum()) > HOLES  # the first is what lies around
