"""Subtract the background of a photograph."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.preprocess.grayscale import FloatImage
from mnist_runtime.preprocess.ink.components import STEPS, neighbors

__all__ = ["background_noise", "blur", "repeat_cells", "subtract_background"]

CELLS = 48
"""Cells along the longer side of the grid in which the background is measured."""
REACH = 5
"""Half of the widest stroke, in cells, that is filled regardless of its darkness."""
DEEP = 0.25
"""Least darkness, as a fraction of the background, at which wider strokes are filled; stains and shading have less."""
NEAR = 8
"""Distance from an edge, in cells, within which ink and background are compared."""
SHADE = np.float32(32)
"""Brightness that is added before a logarithm, so that dark pixels hardly differ."""
DARKEST = 24.0
"""Least brightness of the background, of 255, that ink is divided by."""
STRONGEST = 99.8
"""Percentile of the ink that counts as its maximum."""
LARGE = 100
"""Shorter side, in pixels, above which noise is measured on every fourth pixel."""
RCOND = 1e-12
"""Cutoff of the least squares; NumPy's default warns where an interpreter flushes subnormals."""


def subtract_background(gray: FloatImage) -> FloatImage:
    """Return the strength of the ink, 0..1, at each pixel of `gray` (h, w), 0..255.

    The background is estimated from small cells. Dark ink is divided by it, so that shadows do not matter.
    """
    side = max(3, -(-max(gray.shape) // CELLS))
    cells = _cells(gray, side)
    bright = _has_bright_ink(gray, cells, side)
    if bright:
        gray, cells = 255 - gray, [255 - each for each in reversed(cells)]
    background = _refine(gray, _interpolate(_without_ink(cells[1]), side, gray.shape), side)
    light = np.float32(255) if bright else np.maximum(background, DARKEST)
    return ((background - gray) / light).astype(np.float32)


def background_noise(ink: FloatImage) -> float:
    """Return the standard deviation of the background in `ink`.

    It is the 40 % quantile of the absolute values, divided by 0.524, as for normal noise. In a tight crop, ink may
    cover more than 60 %. So pixels with half of the strongest ink are left out if that lowers the noise to less than
    half. Every fourth pixel of a large picture is enough.
    """
    if min(ink.shape) >= LARGE:
        ink = ink[::2, ::2]
    paper = ink[ink <= max(float(ink.min()), 0.5 * float(np.percentile(ink, STRONGEST)))]
    noise, of_paper = (float(np.quantile(np.abs(values), 0.4)) / 0.524 for values in (ink, paper))
    return of_paper if of_paper < noise / 2 else noise


def _cells(gray: FloatImage, side: int) -> list[FloatImage]:
    """Return the 3 %, 50 % and 97 % quantiles of each cell of `side` x `side` pixels."""
    height, width = gray.shape
    rows, columns = -(-height // side), -(-width // side)
    padded = np.pad(gray, [(0, rows * side - height), (0, columns * side - width)], mode="edge")
    pixels = padded.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(rows, columns, -1)
    ordered = np.sort(pixels, axis=2)
    count = ordered.shape[2]
    return [ordered[..., int(fraction * (count - 1))] for fraction in (0.03, 0.5, 0.97)]


def _has_bright_ink(gray: FloatImage, cells: list[FloatImage], side: int) -> bool:
    """Return whether the ink is brighter than the background.

    Most pixels near edges and on the border are background. On a log scale, shadows have weaker edges than ink.
    """
    low, high = neighbors(cells[0], NEAR, np.minimum), neighbors(cells[2], NEAR, np.maximum)
    span = np.log((high + SHADE) / (low + SHADE))
    near_edge = repeat_cells(span >= 0.6 * span.max(), side, gray.shape)
    bright = gray > repeat_cells((low + high) / 2, side, gray.shape)
    border = np.ones_like(near_edge)
    border[1:-1, 1:-1] = False
    weight = 2 * float(near_edge[border].mean())
    at_border = float(bright[near_edge & border].mean()) if weight else 0.0
    return float(bright[near_edge].mean()) + weight * at_border < 0.5 * (1 + weight)


def _without_ink(cells: FloatImage) -> FloatImage:
    """Fill dark strokes: narrow ones by a closing, wider ones if they are far darker than all around them.

    A closing also fills a part of the edge of a shadow, but the shadow reaches the border.
    """
    closed = _close(cells)
    filled = _fill_enclosed(cells, closed)
    return np.where(cells < (1 - DEEP) * filled, np.maximum(closed, filled), np.minimum(closed, filled))


def _fill_enclosed(cells: FloatImage, border: FloatImage) -> FloatImage:
    """Raise each cell to the least brightness that a path from it to the border passes (P. Soille 2003, chapter 6).

    The cells on the border are raised to those of `border`.
    """
    filled = np.full_like(cells, np.inf)
    edge = np.ones(cells.shape, np.bool_)
    edge[1:-1, 1:-1] = False
    filled[edge] = np.maximum(cells, border)[edge]
    while True:
        before = filled.copy()
        for source, target in STEPS:
            filled[target] = np.minimum(filled[target], np.maximum(filled[source], cells[target]))
        if np.array_equal(filled, before):
            return filled


def _close(cells: FloatImage) -> FloatImage:
    """Fill dark strokes by a morphological closing; the trend of the light is removed for it."""
    trend = _trend(cells)
    level = cells - trend
    return neighbors(neighbors(level, REACH, np.maximum), REACH, np.minimum) + trend


def _trend(cells: FloatImage) -> FloatImage:
    """Fit a quadratic surface by iteratively reweighted least squares."""
    rows, columns = (np.linspace(-1, 1, side) for side in cells.shape)
    powers = [rows[:, None] ** a * columns**b for a, b in ((0, 0), (0, 1), (1, 0), (0, 2), (1, 1), (2, 0))]
    terms = np.stack([power.ravel() for power in powers], axis=1)
    values = cells.ravel().astype(np.float64)
    weights = np.ones(len(values))
    for _ in range(8):
        factors = np.linalg.lstsq(terms * weights[:, None], values * weights, rcond=RCOND)[0]
        # Not `@`: it would start BLAS threads for this small product, which keep cores busy for a while.
        surface: npt.NDArray[np.float64] = np.einsum("ij,j->i", terms, factors)
        weights = 1 / np.sqrt(np.maximum(np.abs(values - surface), 1))
    return surface.reshape(cells.shape).astype(np.float32)


def _refine(gray: FloatImage, background: FloatImage, side: int) -> FloatImage:
    """Correct the background by the mean of the pixels without ink around each cell."""
    ink = background - gray
    limit = max(3 * background_noise(ink), 0.2 * float(np.percentile(ink, STRONGEST)))
    no_ink = (ink < limit).astype(np.float32)
    weight, total = (blur(_cell_sums(values, side)) for values in (no_ink, no_ink * ink))
    level = np.where(weight > 0.2 * side * side, total / np.maximum(weight, 1), 0)
    return background - _interpolate(level.astype(np.float32), side, gray.shape)


def _cell_sums(values: FloatImage, side: int) -> FloatImage:
    """Return the sum of `values` (h, w) over each cell."""
    rows = np.add.reduceat(values, np.arange(0, values.shape[0], side), axis=0)
    return np.add.reduceat(rows, np.arange(0, values.shape[1], side), axis=1)


def blur(values: FloatImage) -> FloatImage:
    """Apply a 3x3 binomial filter."""
    padded = np.pad(values, 1, mode="edge")
    rows = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / np.float32(4)
    blurred: FloatImage = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / np.float32(4)
    return blurred


def repeat_cells(cells: npt.NDArray[Any], side: int, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return a picture of `shape` (h, w) in which each pixel has the value of its cell."""
    rows, columns = (np.minimum(np.arange(length) // side, cells.shape[axis] - 1) for axis, length in enumerate(shape))
    repeated: npt.NDArray[Any] = cells[np.ix_(rows, columns)]
    return repeated


def _interpolate(cells: FloatImage, side: int, shape: tuple[int, ...]) -> FloatImage:
    """Return a picture of `shape` (h, w), interpolated linearly between the cells."""
    for axis in (0, 1):
        position = np.clip((np.arange(shape[axis]) + 0.5) / side - 0.5, 0, cells.shape[axis] - 1)
        first = np.minimum(position.astype(np.intp), max(0, cells.shape[axis] - 2))
        second = np.minimum(first + 1, cells.shape[axis] - 1)
        weight = (position - first).astype(np.float32)
        weight = weight[:, None] if axis == 0 else weight
        cells = np.take(cells, first, axis) * (1 - weight) + np.take(cells, second, axis) * weight
    return cells
