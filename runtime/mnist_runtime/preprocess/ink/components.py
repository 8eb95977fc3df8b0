"""Label, dilate and measure masks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from mnist_runtime.preprocess.grayscale import FloatImage, Mask

__all__ = ["STEPS", "Components", "connected_components", "convexity", "dilate", "neighbors", "rectangularity"]

Integers = npt.NDArray[np.intp]

STEPS = (
    (np.s_[:-1], np.s_[1:]),
    (np.s_[1:], np.s_[:-1]),
    (np.s_[:, :-1], np.s_[:, 1:]),
    (np.s_[:, 1:], np.s_[:, :-1]),
)
"""Pairs of slices of an array: each value, and its neighbor below, above, at the right or at the left."""
TURNS = np.radians(np.arange(-20, 21))
"""Angles that are tried for the sides of a box."""


class Components(NamedTuple):
    """The connected components of a mask, numbered from 0 in the order of their first pixel, row by row.

    Parameters
    ----------
    labels : ndarray of shape (h, w), dtype int32
        Number of each pixel's component; -1 outside of all.
    boxes : ndarray of shape (n, 4), dtype intp
        Top, left, bottom and right of each component; bottom and right are exclusive.
    """

    labels: npt.NDArray[np.int32]
    boxes: Integers

    @property
    def number(self) -> int:
        """Number of components."""
        return len(self.boxes)

    def sums(self, values: FloatImage) -> npt.NDArray[np.float64]:
        """Return the sum of `values` (h, w) over each component."""
        inside = self.labels >= 0
        return np.bincount(self.labels[inside], values[inside], minlength=self.number).astype(np.float64)

    def join(self, pairs: Integers) -> Components:
        """Return the components after the `pairs` (m, 2) are joined."""
        roots, number = np.unique(_lowest_connected(self.number, *pairs.T), return_inverse=True)
        boxes = self.boxes[roots]
        np.minimum.at(boxes[:, :2], number, self.boxes[:, :2])
        np.maximum.at(boxes[:, 2:], number, self.boxes[:, 2:])
        return Components(np.append(number, -1).astype(np.int32)[self.labels], boxes)

    def mask(self, chosen: Mask) -> Mask:
        """Return the mask (h, w) of the `chosen` (n,) components."""
        return np.append(chosen, False)[self.labels]


def connected_components(mask: Mask) -> Components:
    """Label the components of `mask` (h, w); pixels that touch at a corner are connected."""
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    # Runs of set pixels in each row, as positions in the flat padded picture; the next row is `width + 2` further on.
    change = np.diff(padded.ravel())
    starts, ends = np.flatnonzero(change == 1) + 1, np.flatnonzero(change == -1) + 1
    step = width + 2
    # Each run touches a range of runs in the next row.
    first = np.searchsorted(ends, starts + step, side="left")
    last = np.searchsorted(starts, ends + step, side="right")
    touching = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(len(starts)), touching)
    lower = np.arange(touching.sum()) - np.repeat(np.cumsum(touching) - touching - first, touching)
    roots, number = np.unique(_lowest_connected(len(starts), upper, lower), return_inverse=True)
    labels = np.full(height * step, -1, np.int32)
    labels[_ranges(starts, ends)] = np.repeat(number, ends - starts)
    rows, lefts, rights = starts // step, starts % step - 1, (ends - 1) % step
    boxes = np.empty((len(roots), 4), np.intp)
    for column, values, reduce in (
        (0, rows, np.minimum),
        (1, lefts, np.minimum),
        (2, rows + 1, np.maximum),
        (3, rights, np.maximum),
    ):
        boxes[:, column] = values[roots]
        reduce.at(boxes[:, column], number, values)
    return Components(labels.reshape(height, step)[:, 1:-1], boxes)


def dilate(mask: Mask, reach: int) -> Mask:
    """Dilate `mask` by a square; the time does not depend on `reach`, in pixels."""
    for axis in (0, 1):
        length = mask.shape[axis]
        sums = np.cumsum(np.insert(mask, 0, False, axis), axis, dtype=np.int32)
        position = np.arange(length)
        upper = np.take(sums, np.minimum(position + reach + 1, length), axis)
        mask = upper > np.take(sums, np.maximum(position - reach, 0), axis)
    return mask


def neighbors(values: npt.NDArray[Any], reach: int, which: np.ufunc) -> npt.NDArray[Any]:
    """Return the minimum (`np.minimum`) or maximum (`np.maximum`) of the `values` (h, w) within `reach` of each."""
    padded = np.pad(values, reach, mode="edge")
    for axis in (0, 1):
        padded = which.reduce(sliding_window_view(padded, 2 * reach + 1, axis), axis=-1)
    return padded


def convexity(area: Mask) -> float:
    """Return the fraction of its convex hull that the connected `area` (h, w) fills."""
    rows = area[area.any(axis=1)]
    left, right = rows.argmax(axis=1), rows.shape[1] - rows[:, ::-1].argmax(axis=1)
    return float(area.sum() / (-_lower_hull(-right) - _lower_hull(left)).sum())


def rectangularity(area: Mask) -> float:
    """Return the fraction that `area` (h, w) fills of the smallest parallelogram around it; an ellipse fills 0.79.

    A box is a parallelogram if it is photographed from one side. Its sides may be turned by up to 20 degrees.
    """
    rows = np.flatnonzero(area.any(axis=1))
    left, right = area[rows].argmax(axis=1), area.shape[1] - area[rows, ::-1].argmax(axis=1)
    corners = np.concatenate([1j * left + rows, 1j * left + rows + 1, 1j * right + rows, 1j * right + rows + 1])
    turned = corners[:, None] * np.exp(1j * TURNS)
    heights, widths = np.ptp(turned.real, axis=0), np.ptp(turned.imag, axis=0)
    return float(area.sum() / (np.outer(heights, widths) / np.cos(TURNS[:, None] - TURNS)).min())


def _lowest_connected(count: int, one: Integers, other: Integers) -> Integers:
    """Return for each node the lowest connected one; edges join `one` to `other`."""
    lowest: Integers = np.arange(count)
    while True:
        before = lowest
        lowest = lowest.copy()
        smaller = np.minimum(before[one], before[other])
        for ends in (one, other):
            np.minimum.at(lowest, ends, smaller)
            np.minimum.at(lowest, before[ends], smaller)  # all nodes that are known to be connected
        lowest = lowest[lowest]
        if np.array_equal(lowest, before):
            return lowest


def _lower_hull(values: Integers) -> npt.NDArray[np.float64]:
    """Return the largest convex sequence that is nowhere above `values` (n,)."""
    hull: list[tuple[int, int]] = []
    for x, y in enumerate(values.tolist()):
        while len(hull) > 1:
            (first_x, first_y), (last_x, last_y) = hull[-2:]
            if (last_y - first_y) * (x - first_x) < (y - first_y) * (last_x - first_x):
                break
            hull.pop()
        hull.append((x, y))
    return np.interp(np.arange(len(values)), *np.transpose(hull))


def _ranges(starts: Integers, ends: Integers) -> Integers:
    """Return all numbers from each start to its end, without the end."""
    lengths = ends - starts
    numbers: Integers = np.arange(lengths.sum()) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    return numbers
