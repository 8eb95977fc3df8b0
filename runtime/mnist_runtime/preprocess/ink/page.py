"""`isolate_page`: a light sheet that lies on a dark desk, as if it filled the picture, in NumPy alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mnist_runtime.preprocess.grayscale import FloatImage
from mnist_runtime.preprocess.ink.background import repeat_cells
from mnist_runtime.preprocess.ink.components import connected_components, dilate

__all__ = ["isolate_page"]

Mask = npt.NDArray[np.bool_]

CELLS = 48
"""Cells along the longer side in which the sheet is looked for."""
SIDES, MOSTLY = 3, 0.7
"""Sides of the picture that are desk, and on what share, where there is one: a shadow leaves two in the light."""
SURROUNDED = 0.5
"""Share of the picture's border that is desk where it is so dark that it can be no shadow. Of less of a desk, the
picture's edge cuts the pieces, which tells that they are no digits."""
LEAST, SQUARE = 0.4, 0.8
"""Share of the picture, and of the box around it, that a sheet covers at least; a bright digit covers less of both."""
SOLID = 0.7
"""Share of a sheet that must be light; a digit, light on dark, is mostly dark within its outline."""
BAY = 4
"""Cells that a digit may reach over the edge of what is light."""
DARK, DARKER = 0.6, 0.45
"""Brightness of the desk, at most, as a share of the sheet's, on three sides and on fewer."""


def isolate_page(grey: FloatImage) -> FloatImage:
    """Return a picture (h, w) of brightness 0..255 with its desk papered over, if it shows a sheet on a desk.

    Around the sheet each pixel gets the brightness of the nearest part of the sheet. A picture that shows no desk is
    returned as it is.
    """
    side = max(4, -(-max(grey.shape) // CELLS))
    rows, columns = grey.shape[0] // side, grey.shape[1] // side
    if min(rows, columns) < 8:
        return grey
    cells = grey[: rows * side, : columns * side].reshape(rows, side, columns, side).mean(axis=(1, 3))
    light = _largest(cells >= (np.percentile(cells, 5) + np.percentile(cells, 95)) / 2)
    sheet = _between(light) & _between(light.T).T
    sheet = ~dilate(~dilate(np.pad(sheet, BAY), BAY), BAY)[BAY:-BAY, BAY:-BAY]  # a digit at the edge is a bay
    sides = np.array([1 - side.mean() for side in (sheet[0], sheet[-1], sheet[:, 0], sheet[:, -1])])
    if (
        sides.mean() < SURROUNDED
        or _square(sheet) < SQUARE
        or sheet.mean() < LEAST
        or light.sum() < SOLID * sheet.sum()
    ):
        return grey
    dark = DARK if (sides >= MOSTLY).sum() >= SIDES else DARKER
    if np.median(cells[~sheet]) > dark * np.median(cells[light]):
        return grey
    core = sheet.copy()  # without the cells at the edge, which the desk shares
    core[1:-1, 1:-1] &= sheet[:-2, 1:-1] & sheet[2:, 1:-1] & sheet[1:-1, :-2] & sheet[1:-1, 2:]
    core[0] = core[-1] = core[:, 0] = core[:, -1] = False
    paper = _filled(np.where(light, cells, 0).astype(np.float32), light & core)
    papered = repeat_cells(paper, side, grey.shape)
    return np.where(repeat_cells(core, side, grey.shape), grey, papered)


def _largest(mask: Mask) -> Mask:
    """Return the part of `mask` that covers the most."""
    parts = connected_components(mask)
    counts = parts.sums(np.ones(mask.shape, np.float32))
    return parts.where(counts == counts.max())


def _square(mask: Mask) -> float:
    """Return the share of the box around `mask` that it fills."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return float(mask.sum() / ((np.ptp(rows) + 1) * (np.ptp(columns) + 1)))


def _between(mask: Mask) -> Mask:
    """Return all from the first to the last set pixel of each row."""
    reached = np.logical_or.accumulate(mask, axis=1)
    between: Mask = reached & np.logical_or.accumulate(mask[:, ::-1], axis=1)[:, ::-1]
    return between


def _filled(values: FloatImage, known: Mask) -> FloatImage:
    """Give each value that is not known that of a nearest one that is."""
    while not known.all() and known.any():
        for axis, shift in ((0, 1), (0, -1), (1, 1), (1, -1)):
            reached = np.roll(known, shift, axis)
            edge = [slice(None), slice(None)]
            edge[axis] = slice(0, 1) if shift == 1 else slice(-1, None)
            reached[tuple(edge)] = False  # `roll` goes around
            values = np.where(~known & reached, np.roll(values, shift, axis), values)
            known = known | reached
    return values
