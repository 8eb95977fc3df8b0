"""Measure and thicken strokes, join them across gaps, and detect scribbles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mnist_runtime.preprocess.grayscale import FloatImage, Mask, bounding_box, erode
from mnist_runtime.preprocess.ink.components import Components, connected_components, dilate, neighbors

__all__ = ["STROKE", "bridges", "components_across_gaps", "is_scribble", "is_thin", "stroke_width", "thicken"]

Integers = npt.NDArray[np.intp]

STROKE = 0.4
"""Least ink of a stroke's pixel, as a fraction of the darkest ink."""
WIDTH = 1 / 11
"""Least width of a stroke, as a fraction of the digit's longer side: 1.8 of MNIST's 20 pixels."""
FADING = WIDTH / 2
"""The width, as a fraction of the longer side, below which strokes become gray in MNIST's pixels."""
HOLES = 2
"""Most holes of a digit: those of an 8. One in 600 of MNIST's digits has three."""
LEAST_HOLE = 0.004
"""Least area of a hole, as a fraction of the symbol's box; grain has smaller gaps."""
SMALLEST = 32
"""Longer side of a symbol, in pixels, from which its holes are counted."""
REACH = 1 / 3
"""Half of the largest gap between components that count as one, as a fraction of the stroke width."""
FINE = 3.0
"""Width of strokes, in pixels, below which gaps are kept: those between small printed digits are as narrow."""
WHOLE = 0.65
"""Least height of a whole digit, as a fraction of the median one; lower components are parts of digits."""
NARROW, BAR = 0.75, 0.25
"""Most width of a digit in two halves, such as a stencil's, and least width of a half, as fractions of its height."""
GAP = 1.0
"""Largest gap between two parts of a symbol that is filled, as a fraction of the stroke width."""
PART = 0.05
"""Least area of a part with such a gap, as a fraction of the symbol's."""


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
    """Return whether the strokes of one symbol, with `ink` (h, w), 0..255, enclose more holes than a digit's."""
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


def components_across_gaps(strokes: Mask, *, broken: bool) -> Components:
    """Label `strokes` (h, w); components with a gap of up to two thirds of the stroke width count as one.

    A gap between two whole digits, such as printed ones, is kept unless the strokes are `broken` by noise.
    """
    width = stroke_width(strokes)
    reach = max(int(broken), round(width * REACH))
    if not broken and width < FINE:
        return connected_components(strokes)
    joined = connected_components(dilate(np.pad(strokes, reach), reach))
    group_of = joined.labels[reach:-reach, reach:-reach]
    boxes = joined.boxes - np.array([0, 0, 2 * reach, 2 * reach])
    if broken or joined.number == 0:
        return Components(np.where(strokes, group_of, np.int32(-1)), boxes)
    parts = connected_components(strokes)
    groups = np.empty(parts.number, np.intp)
    groups[parts.labels[strokes]] = group_of[strokes]
    heights = parts.boxes[:, 2] - parts.boxes[:, 0]
    whole = heights >= WHOLE * np.median((boxes[:, 2] - boxes[:, 0])[groups])
    crowded = np.bincount(groups[whole], minlength=joined.number) > 1
    first = np.zeros(joined.number, np.intp)
    first[groups[::-1]] = np.arange(parts.number)[::-1]
    edges = [np.stack([first[groups], np.arange(parts.number)], axis=1)[~crowded[groups]]]
    for group in np.flatnonzero(crowded):
        top, left, bottom, right = boxes[group]
        inside = strokes[top:bottom, left:right] & (group_of[top:bottom, left:right] == group)
        lowest, highest = _nearest(np.where(inside, parts.labels[top:bottom, left:right], np.int32(-1)), reach + 1)
        near = lowest < highest
        pairs = np.unique(np.stack([lowest[near], highest[near]], axis=1), axis=0)
        edges.append(pairs[~whole[pairs].all(axis=1) | _are_halves(parts.boxes, pairs)])
    return parts.join(np.concatenate(edges))


def _are_halves(boxes: Integers, pairs: Integers) -> npt.NDArray[np.bool_]:
    """Return which `pairs` (m, 2) of components are too narrow for two digits, and too wide for an 11."""
    top, left, bottom, right = np.moveaxis(boxes[pairs], 2, 0)
    height = bottom.max(axis=1) - top.min(axis=1)
    width = right.max(axis=1) - left.min(axis=1)
    halves: npt.NDArray[np.bool_] = (width <= NARROW * height) & ((right - left).min(axis=1) >= BAR * height)
    return halves


def _nearest(labels: npt.NDArray[np.int32], reach: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return the lowest and the highest of the `labels` (h, w) within `reach` of each pixel; -1 is no label."""
    none = np.int32(np.iinfo(np.int32).max)
    return neighbors(np.where(labels < 0, none, labels), reach, np.minimum), neighbors(labels, reach, np.maximum)


def bridges(strokes: Mask) -> Mask:
    """Return the pixels of the narrow gaps between the parts of a symbol's `strokes` (h, w).

    A part within another, such as the dot of a dotted 0, is left apart.
    """
    parts = connected_components(strokes)
    areas = np.bincount(parts.labels[parts.labels >= 0], minlength=parts.number)
    large = np.flatnonzero(areas >= PART * areas.sum())
    top, left, bottom, right = parts.boxes[large].T[:, :, None]
    within = (top > top.T) & (left > left.T) & (bottom < bottom.T) & (right < right.T)
    outer = np.isin(np.arange(parts.number), large[~within.any(axis=1)])
    reach = round(GAP / 2 * stroke_width(strokes))
    if np.count_nonzero(outer) < 2 or not reach:
        return np.zeros_like(strokes)
    labels = np.where(parts.mask(outer), parts.labels, np.int32(-1))
    lowest, highest = _nearest(labels, 2 * reach)
    closed = ~dilate(~dilate(np.pad(strokes, reach), reach), reach)[reach:-reach, reach:-reach]
    between: Mask = closed & ~strokes & (lowest < highest)
    return between
