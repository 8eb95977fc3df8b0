"""`ruling`: the printed lines of a notebook or a grid, found in a mask of what is dark, in NumPy alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["ruling"]

Mask = npt.NDArray[np.bool_]

STEEPEST = 8.0
"""Degrees that a line may lie out of the horizontal or vertical: a hand that holds a telephone does not do worse."""
STEP = 0.25
"""Degrees between the directions that are tried: over 200 pixels less than one pixel."""
THICKEST = 1 / 40
"""A line's thickness, at most, as a share of the picture's longer side."""
COVERED = 0.6
"""Share of its way across the picture that a line must be seen on: less is a stroke of a digit, even of a long 1."""


def ruling(mask: Mask) -> Mask:
    """Return those pixels of `mask` (h, w) that belong to straight lines across the whole picture.

    Where a stroke crosses a line, or runs along it and is thicker, the line's pixels are the stroke's as well and stay
    out of the result, so that taking the lines away leaves no gap.
    """
    return _level_lines(mask) | _level_lines(mask.T).T


def _level_lines(mask: Mask) -> Mask:
    height, width = mask.shape
    thickest = max(2, round(THICKEST * max(mask.shape)))
    lines = np.zeros_like(mask)
    if width < 4 * thickest:
        return lines
    thin = _thin(mask, thickest)
    slope, profile = _direction(thin)
    drop = np.rint(slope * (np.arange(width) - width / 2)).astype(np.int64)
    columns = np.arange(width)
    while True:
        peak = int(profile.argmax())
        if profile[peak] < 0.25 * width:  # a quarter, for a line may be thicker than a row or bend a little
            return lines
        profile[max(0, peak - thickest) : peak + thickest + 1] = 0
        start = peak - height  # see `_direction`
        found = _trace(mask, thin, start + drop, thickest)
        if found is not None:
            rows, columns_ = found
            lines[rows, columns_] = True


def _thin(mask: Mask, thickest: int) -> Mask:
    """Return the pixels of `mask` whose run down their column is `thickest` long or less."""
    length = _run_lengths(mask)
    return mask & (length <= thickest)


def _run_lengths(mask: Mask) -> npt.NDArray[np.int64]:
    """Return for each set pixel how many hang together in its column; 0 elsewhere."""
    height, width = mask.shape
    padded = np.zeros((width, height + 2), np.int8)
    padded[:, 1:-1] = mask.T
    change = np.diff(padded.ravel())
    starts, ends = np.flatnonzero(change == 1) + 1, np.flatnonzero(change == -1) + 1
    lengths = np.zeros(padded.size, np.int64)
    runs = ends - starts
    place = np.arange(runs.sum()) + np.repeat(starts - np.cumsum(runs) + runs, runs)
    lengths[place] = np.repeat(runs, runs)
    return lengths.reshape(width, height + 2)[:, 1:-1].T


def _direction(thin: Mask):
    """Return the slope in which the pixels gather in the fewest rows, and how many lie in each row (from -h to 2h)."""
    height, width = thin.shape
    rows, columns = np.nonzero(thin)
    away = columns - width / 2
    best, profile = 0.0, np.zeros(3 * height, np.int64)
    sharpest = -1
    for angle in np.arange(-STEEPEST, STEEPEST + STEP / 2, STEP):
        slope = float(np.tan(np.radians(angle)))
        crossing = np.rint(rows - slope * away).astype(np.int64) + height
        counts = np.bincount(np.clip(crossing, 0, 3 * height - 1), minlength=3 * height)
        sharpness = int((counts**2).sum())
        if sharpness > sharpest:
            best, profile, sharpest = slope, counts, sharpness
    return best, profile


def _trace(mask: Mask, thin: Mask, centre, thickest: int):
    """Follow a line that is expected near the rows `centre` of each column; None if it is none."""
    height, width = mask.shape
    columns = np.arange(width)
    inside = (centre >= 0) & (centre < height)
    if inside.sum() < width / 2:
        return None
    reach = 2 * thickest
    offsets = np.arange(-reach, reach + 1)
    rows = centre[None, :] + offsets[:, None]
    within = (rows >= 0) & (rows < height)
    rows_ = np.clip(rows, 0, height - 1)
    strip = mask[rows_, columns] & within
    slim = thin[rows_, columns] & within & (np.abs(offsets) <= thickest)[:, None]
    seen = slim.any(axis=0)
    if seen[inside].mean() < COVERED:
        return None
    # the line may bend, as paper and lenses do
    middle = np.where(seen, (slim * offsets[:, None]).sum(axis=0) / np.maximum(1, slim.sum(axis=0)), 0)
    trusted = seen
    place = columns / width - 0.5
    for _ in range(3):
        curve = np.polynomial.Polynomial.fit(place[trusted], middle[trusted], 2)(place)
        off = np.abs(middle - curve)
        trusted = seen & (off <= max(1.0, 2 * np.median(off[trusted])))
    on = seen & (off <= 0.5 * thickest + 1)
    if on[inside].mean() < COVERED:
        return None
    edge = max(2, width // 20)
    ends = np.flatnonzero(inside)
    if not (on[ends[:edge]].any() and on[ends[-edge:]].any()):
        return None
    thickness = float(np.median(slim.sum(axis=0)[on]))
    # erase in each column the run that holds the curve, if it is no longer than the line is thick
    run = _run_at(strip, np.rint(curve).astype(np.int64) + reach)
    erase = run & (run.sum(axis=0) <= 1.5 * thickness + 1.5)
    at, column = np.nonzero(erase)
    return rows[at, column], column


def _run_at(strip: Mask, middle) -> Mask:
    """Return the pixels of each column that hang together with its row `middle`, or with the next one to it."""
    length, width = strip.shape
    columns = np.arange(width)
    middle = np.clip(middle, 1, length - 2)
    for shift in (0, -1, 1):
        start = np.where(strip[middle, columns], middle, middle + shift)
        middle = np.where(strip[start, columns], start, middle)
    gaps = ~strip
    numbers = np.cumsum(gaps, axis=0)
    return strip & (numbers == numbers[middle, columns]) & strip[middle, columns]
