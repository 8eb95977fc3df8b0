"""`connected_components`: what hangs together in a mask, in NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Components", "connected_components", "dilate"]

Integers = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Components:
    """The connected parts of a mask, numbered from 0 in the order in which rows, read downwards, first meet them.

    Parameters
    ----------
    labels : ndarray of shape (h, w), dtype int32
        The part that each pixel belongs to; -1 outside of all.
    boxes : ndarray of shape (n, 4), dtype intp
        Top, left, bottom and right of each, the latter two exclusive.
    """

    labels: npt.NDArray[np.int32]
    boxes: Integers

    def __len__(self) -> int:
        return len(self.boxes)

    def sums(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return the sum of `values` (h, w) over each part."""
        inside = self.labels >= 0
        return np.bincount(self.labels[inside], values[inside], minlength=len(self)).astype(np.float64)

    def where(self, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Return the mask (h, w) of the parts that are `chosen` (n,)."""
        return np.append(chosen, False)[self.labels]


def connected_components(mask: npt.NDArray[np.bool_]) -> Components:
    """Label the parts of `mask` (h, w) whose pixels touch, corners included.

    Examples
    --------
    >>> found = connected_components(np.array([[1, 0, 0, 1], [0, 1, 0, 1]], bool))
    >>> found.boxes.tolist()
    [[0, 0, 2, 2], [0, 3, 2, 4]]
    """
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    # Runs of set pixels in each row, as positions in the padded picture; the next row's are `width + 2` further on.
    change = np.diff(padded.ravel())
    starts, ends = np.flatnonzero(change == 1) + 1, np.flatnonzero(change == -1) + 1
    step = width + 2
    first = np.searchsorted(ends, starts + step, side="left")
    last = np.searchsorted(starts, ends + step, side="right")
    touching = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(len(starts)), touching)
    lower = np.arange(touching.sum()) - np.repeat(np.cumsum(touching) - touching - first, touching)
    part = _joined(len(starts), upper, lower)
    roots, number = np.unique(part, return_inverse=True)
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


def dilate(mask: npt.NDArray[np.bool_], steps: int) -> npt.NDArray[np.bool_]:
    """Return `mask` and what lies within `steps` pixels of it, at a cost that does not depend on how many these are."""
    for axis in (0, 1):
        length = mask.shape[axis]
        sums = np.cumsum(np.insert(mask, 0, False, axis), axis, dtype=np.int32)
        place = np.arange(length)
        upper = np.take(sums, np.minimum(place + steps + 1, length), axis)
        mask = upper > np.take(sums, np.maximum(place - steps, 0), axis)
    return mask


def _joined(count: int, one: Integers, other: Integers) -> Integers:
    """Return for each of `count` nodes the lowest node that the edges between `one` and `other` lead to."""
    lowest: Integers = np.arange(count)
    while True:
        before = lowest
        lowest = lowest.copy()
        smaller = np.minimum(before[one], before[other])
        for ends in (one, other):
            np.minimum.at(lowest, ends, smaller)
            np.minimum.at(lowest, before[ends], smaller)  # the whole part that was found so far follows
        lowest = lowest[lowest]
        if np.array_equal(lowest, before):
            return lowest


def _ranges(starts: Integers, ends: Integers) -> Integers:
    """Return all numbers from each start to before its end, one after the other."""
    lengths = ends - starts
    numbers: Integers = np.arange(lengths.sum()) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    return numbers
