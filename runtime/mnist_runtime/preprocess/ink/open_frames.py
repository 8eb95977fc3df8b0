"""Find frames that are not closed: a comb, and the lines of other boxes at the picture's border."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mnist_runtime.preprocess.grayscale import Mask
from mnist_runtime.preprocess.ink.strokes import stroke_width

__all__ = ["border_line", "comb"]

LEVEL = 1.5
"""Least width of a comb, as a multiple of its height."""
BASE = 0.4
"""Least fraction of a comb's width in which there is its base alone."""
THIN = 0.25
"""Most thickness of a comb's base, as a fraction of its height."""
SLANT = 0.1
"""Most width of a tooth of a comb, beside the line's, as a fraction of its height."""
TOOTH = 2
"""Least length of a tooth, as a multiple of the base's thickness."""
BORDER = 0.15
"""Width of the picture's border, as a fraction of each side."""
LONGEST = 0.5
"""Least length of a line there, as a fraction of the picture's shorter side."""
THICKEST = 1 / 16
"""Most thickness of such a line, in the same unit."""


def comb(line: Mask) -> Mask:
    """Return the pixels of a comb, a row of boxes that are open above: its base and its teeth; none if it is none.

    Digits may touch them.
    """
    height, width = line.shape
    nothing = np.zeros_like(line)
    if width < LEVEL * height:
        return nothing
    filled = line.sum(axis=0)
    thickness = float(np.median(filled))
    columns = np.flatnonzero(filled <= 1.5 * thickness + 1)
    if thickness > THIN * height or len(columns) < BASE * width:
        return nothing
    rows = np.arange(height)[:, None]
    middle = (line * rows).sum(axis=0)[columns] / filled[columns]
    base = np.polyval(np.polyfit(columns, middle, 1), np.arange(width))
    distance = np.abs(rows - base)
    near = distance <= thickness / 2 + 1
    alone = np.zeros(width, bool)
    alone[columns] = near[np.rint(middle).astype(np.intp), columns]
    if alone.sum() < BASE * width:
        return nothing
    starts, ends = np.flatnonzero(np.diff(np.pad(~alone, 1).astype(np.int8))).reshape(-1, 2).T
    teeth = np.zeros_like(line)
    number = 0
    for start, end in zip(starts, ends, strict=True):
        if end - start <= 2 * thickness + SLANT * height:
            teeth[:, start:end] = True
            number += bool((distance * line)[:, start:end].max() >= TOOTH * thickness)
    return line & (teeth | near) if number > 1 else nothing


def border_line(line: Mask, corner: npt.NDArray[np.intp], shape: tuple[int, ...]) -> Mask:
    """Return the `line` (h, w) if it is in the border of a picture of `shape`; otherwise nothing.

    It is a part of the boxes around. Its top left corner is at `corner` of the picture.
    """
    rows, columns = np.nonzero(line)
    in_border = [
        np.minimum(position + start, length - 1 - start - position) < BORDER * length
        for position, start, length in zip((rows, columns), corner, shape, strict=True)
    ]
    shorter = min(shape)
    is_line = max(line.shape) >= LONGEST * shorter and stroke_width(line) <= THICKEST * shorter
    return line & (is_line and bool(np.logical_or(*in_border).all()))
