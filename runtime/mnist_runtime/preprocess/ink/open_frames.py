"""Find frames that are not closed: a comb, and the lines of other boxes at the picture's border."""

from __future__ import annotations

import numpy as np

from mnist_runtime.preprocess.grayscale import Mask
from mnist_runtime.preprocess.ink.components import Components
from mnist_runtime.preprocess.ink.strokes import stroke_width

__all__ = ["border_lines", "comb"]

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
    distance = np.where(line, np.abs(rows - base), 0)
    alone = distance.max(axis=0) <= thickness / 2 + 1
    if alone.sum() < BASE * width:
        return nothing
    starts, ends = np.flatnonzero(np.diff(np.pad(~alone, 1).astype(np.int8))).reshape(-1, 2).T
    teeth = np.zeros_like(line)
    number = 0
    for start, end in zip(starts, ends, strict=True):
        if end - start <= 2 * thickness + SLANT * height:
            teeth[:, start:end] = True
            number += bool(distance[:, start:end].max() >= TOOTH * thickness)
    return line & (teeth | (distance <= thickness / 2 + 1)) if number > 1 else nothing


def border_lines(components: Components) -> Mask:
    """Return which of the components (n,) are lines in the border of the picture: parts of the boxes around."""
    shape = components.labels.shape
    shorter = min(shape)
    found = np.zeros(components.number, bool)
    for number, (top, left, bottom, right) in enumerate(components.boxes):
        at_edge = min(top, left) == 0 or bottom == shape[0] or right == shape[1]
        if not at_edge or max(bottom - top, right - left) < LONGEST * shorter:
            continue
        line = components.labels[top:bottom, left:right] == number
        rows, columns = np.nonzero(line)
        in_border = [
            np.minimum(positions, length - 1 - positions) < BORDER * length
            for positions, length in zip((rows + top, columns + left), shape, strict=True)
        ]
        thin = stroke_width(line) <= THICKEST * shorter
        found[number] = thin and bool(np.logical_or(*in_border).all())
    return found
