"""Isolate a light page on a dark desk."""

from __future__ import annotations

import numpy as np

from mnist_runtime.preprocess.grayscale import FloatImage, Mask, bounding_box
from mnist_runtime.preprocess.ink.background import repeat_cells
from mnist_runtime.preprocess.ink.components import connected_components, dilate

__all__ = ["isolate_page"]

CELLS = 48
"""Cells along the longer side of the grid."""
SIDES, MOSTLY = 3, 0.7
"""Sides of the picture that are desk, and the fraction of each, for the limit `DARK`."""
SURROUNDED = 0.5
"""Least fraction of the border that is desk."""
LEAST, SQUARE = 0.4, 0.8
"""Least fractions of the picture and of its bounding box that a page covers; a bright digit covers less."""
SOLID = 0.7
"""Least fraction of a page that is light."""
BAY = 4
"""Cells by which a digit may cut into the edge of the light area."""
DARK, DARKER = 0.6, 0.45
"""Most brightness of the desk, as a fraction of the page's: with desk on three sides, and on fewer."""


def isolate_page(gray: FloatImage) -> FloatImage:
    """Replace the desk around a page by the nearest brightness of the page; return any other picture unchanged."""
    side = max(4, -(-max(gray.shape) // CELLS))
    rows, columns = gray.shape[0] // side, gray.shape[1] // side
    if min(rows, columns) < 8:
        return gray
    cells = gray[: rows * side, : columns * side].reshape(rows, side, columns, side).mean(axis=(1, 3))
    light = _largest(cells >= (np.percentile(cells, 5) + np.percentile(cells, 95)) / 2)
    page = _fill_rows(light) & _fill_rows(light.T).T
    page = ~dilate(~dilate(np.pad(page, BAY), BAY), BAY)[BAY:-BAY, BAY:-BAY]  # a closing fills digits at the edge
    sides = np.array([1 - side.mean() for side in (page[0], page[-1], page[:, 0], page[:, -1])])
    if (
        sides.mean() < SURROUNDED
        or page[bounding_box(page)].mean() < SQUARE
        or page.mean() < LEAST
        or light.sum() < SOLID * page.sum()
    ):
        return gray
    dark = DARK if (sides >= MOSTLY).sum() >= SIDES else DARKER
    if np.median(cells[~page]) > dark * np.median(cells[light]):
        return gray
    core = page.copy()  # without the cells at the edge, which contain some desk
    core[1:-1, 1:-1] &= page[:-2, 1:-1] & page[2:, 1:-1] & page[1:-1, :-2] & page[1:-1, 2:]
    core[0] = core[-1] = core[:, 0] = core[:, -1] = False
    background = _fill_nearest(np.where(light, cells, 0).astype(np.float32), light & core)
    return np.where(repeat_cells(core, side, gray.shape), gray, repeat_cells(background, side, gray.shape))


def _largest(mask: Mask) -> Mask:
    """Return the largest connected component."""
    components = connected_components(mask)
    areas = components.sums(np.ones(mask.shape, np.float32))
    return components.mask(areas == areas.max())


def _fill_rows(mask: Mask) -> Mask:
    """Fill each row from its first to its last set pixel."""
    reached = np.logical_or.accumulate(mask, axis=1)
    filled: Mask = reached & np.logical_or.accumulate(mask[:, ::-1], axis=1)[:, ::-1]
    return filled


def _fill_nearest(values: FloatImage, known: Mask) -> FloatImage:
    """Replace each value that is not known by the nearest known one."""
    while not known.all() and known.any():
        for axis, shift in ((0, 1), (0, -1), (1, 1), (1, -1)):
            reached = np.roll(known, shift, axis)
            edge = [slice(None), slice(None)]
            edge[axis] = slice(0, 1) if shift == 1 else slice(-1, None)
            reached[tuple(edge)] = False  # `roll` wraps around
            values = np.where(~known & reached, np.roll(values, shift, axis), values)
            known = known | reached
    return values
