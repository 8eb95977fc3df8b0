"""`subtract_background`: how dark each pixel's ink is, whatever the light and the paper, in NumPy alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from mnist_runtime.preprocess.grayscale import FloatImage

__all__ = ["background_noise", "repeat_cells", "subtract_background"]

CELLS = 48
"""Cells along the longer side of the grid on which the paper is measured."""
REACH = 5
"""Cells to either side in which there is paper for every stroke: strokes are narrower than 2 x 5 of 48."""
NEAR = 8
"""Cells to either side of an edge in which paper and ink are told apart: enough for most of them to be paper."""
SHADE = np.float32(32)
"""Brightness that is added before a logarithm is taken, so that it does not tell black from black."""
DARKEST = 24.0
"""Brightness of the paper, of 255, from which ink is measured as a share of it; darker paper says nothing."""
RCOND = 1e-12
"""Of the least squares; without it NumPy looks up its precision and warns where an interpreter flushes subnormals."""


def subtract_background(grey: FloatImage) -> FloatImage:
    """Return the ink 0..1 on each pixel of a picture (h, w) of brightness 0..255.

    The paper's own brightness is measured in small cells: of two surfaces, one above and one below the picture, it is
    the one to which most of what lies near a stroke is closer. Dark ink is a share of the light that falls on it, so
    that a stroke in the shadow is as dark as another; bright ink is measured from the dark paper up.
    """
    side = max(3, -(-max(grey.shape) // CELLS))
    cells = _cells(grey, side)
    bright = _bright_ink(grey, cells, side)
    if bright:
        grey, cells = 255 - grey, [255 - each for each in reversed(cells)]
    paper = _refined(grey, _enlarged(_closed(cells[1]), side, grey.shape), side)
    light = np.float32(255) if bright else np.maximum(paper, DARKEST)
    return ((paper - grey) / light).astype(np.float32)


def background_noise(ink: FloatImage) -> float:
    """Return the standard deviation of the paper in `ink`.

    It is measured on the 40 % of the pixels that have the least, for in a tight crop hardly more of it is paper; of
    normal noise they lie within 0.524 standard deviations.
    """
    return float(np.quantile(np.abs(ink), 0.4)) / 0.524


def _cells(grey: FloatImage, side: int) -> list[FloatImage]:
    """Return the darkest, the middle and the brightest of each cell, all a little inside of the extremes."""
    height, width = grey.shape
    rows, columns = -(-height // side), -(-width // side)
    padded = np.pad(grey, [(0, rows * side - height), (0, columns * side - width)], mode="edge")
    pixels = padded.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(rows, columns, -1)
    ordered = np.sort(pixels, axis=2)
    count = ordered.shape[2]
    return [ordered[..., int(share * (count - 1))] for share in (0.03, 0.5, 0.97)]


def _bright_ink(grey: FloatImage, cells: list[FloatImage], side: int) -> bool:
    """Say whether the ink is brighter than the paper.

    Of what lies near an edge, and of that on the border, most is paper. Edges are compared on a logarithmic scale, on
    which a shadow's is the weaker one, wherever ink lies in it.
    """
    low, high = _extreme(cells[0], NEAR, np.minimum), _extreme(cells[2], NEAR, np.maximum)
    span = np.log((high + SHADE) / (low + SHADE))
    near = repeat_cells(span >= 0.6 * span.max(), side, grey.shape)
    bright = grey > repeat_cells((low + high) / 2, side, grey.shape)
    border = np.ones_like(near)
    border[1:-1, 1:-1] = False
    weight = 2 * float(near[border].mean())
    at_border = float(bright[near & border].mean()) if weight else 0.0
    return float(bright[near].mean()) + weight * at_border < 0.5 * (1 + weight)


def _extreme(cells: FloatImage, reach: int, which: np.ufunc) -> FloatImage:
    """Return for each cell the least (`np.minimum`) or the greatest (`np.maximum`) of those within `reach`."""
    padded = np.pad(cells, reach, mode="edge")
    for axis in (0, 1):
        padded = which.reduce(sliding_window_view(padded, 2 * reach + 1, axis), axis=-1)
    return padded


def _closed(cells: FloatImage) -> FloatImage:
    """Fill everything dark that is narrower than the window, as strokes are; edges of a shadow stay where they are.

    The light's trend is taken out meanwhile, since beyond the picture's edge it cannot be followed.
    """
    trend = _trend(cells)
    level = cells - trend
    return _extreme(_extreme(level, REACH, np.maximum), REACH, np.minimum) + trend


def _trend(cells: FloatImage) -> FloatImage:
    """Return the quadratic surface that most cells lie on: the least absolute deviations, by weights that adapt."""
    rows, columns = (np.linspace(-1, 1, side) for side in cells.shape)
    powers = [rows[:, None] ** a * columns**b for a, b in ((0, 0), (0, 1), (1, 0), (0, 2), (1, 1), (2, 0))]
    terms = np.stack([power.ravel() for power in powers], axis=1)
    values = cells.ravel().astype(np.float64)
    weights = np.ones(len(values))
    for _ in range(8):
        factors = np.linalg.lstsq(terms * weights[:, None], values * weights, rcond=RCOND)[0]
        weights = 1 / np.sqrt(np.maximum(np.abs(values - terms @ factors), 1))
    surface: FloatImage = (terms @ factors).reshape(cells.shape).astype(np.float32)
    return surface


def _refined(grey: FloatImage, paper: FloatImage, side: int) -> FloatImage:
    """Measure the paper once more, where there is no ink, in the mean of the cells around."""
    ink = paper - grey
    edge = max(3 * background_noise(ink), 0.2 * float(np.percentile(ink, 99.8)))
    free = (ink < edge).astype(np.float32)
    weight, total = _sums(free, side), _sums(free * ink, side)
    weight, total = (_blur(each) for each in (weight, total))
    level = np.where(weight > 0.2 * side * side, total / np.maximum(weight, 1), 0)
    return paper - _enlarged(level.astype(np.float32), side, grey.shape)


def _sums(values: FloatImage, side: int) -> FloatImage:
    """Return the sum of `values` (h, w) over each cell."""
    rows = np.add.reduceat(values, np.arange(0, values.shape[0], side), axis=0)
    return np.add.reduceat(rows, np.arange(0, values.shape[1], side), axis=1)


def _blur(cells: FloatImage) -> FloatImage:
    """Return the binomial mean of each cell and its eight neighbours."""
    padded = np.pad(cells, 1, mode="edge")
    for axis in (0, 1):
        padded = sliding_window_view(padded, 3, axis) @ np.array([0.25, 0.5, 0.25], np.float32)
    return padded


def repeat_cells(cells: npt.NDArray[Any], side: int, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Spread the cells' values over `shape`; beyond the last cell its own goes on."""
    rows, columns = (np.minimum(np.arange(length) // side, cells.shape[axis] - 1) for axis, length in enumerate(shape))
    spread: npt.NDArray[Any] = cells[np.ix_(rows, columns)]
    return spread


def _enlarged(cells: FloatImage, side: int, shape: tuple[int, ...]) -> FloatImage:
    """Spread the cells' values over `shape`, linearly between the middles of the cells."""
    for axis in (0, 1):
        place = np.clip((np.arange(shape[axis]) + 0.5) / side - 0.5, 0, cells.shape[axis] - 1)
        first = np.minimum(place.astype(np.intp), max(0, cells.shape[axis] - 2))
        second = np.minimum(first + 1, cells.shape[axis] - 1)
        share = (place - first).astype(np.float32)
        share = share[:, None] if axis == 0 else share
        cells = np.take(cells, first, axis) * (1 - share) + np.take(cells, second, axis) * share
    return cells
