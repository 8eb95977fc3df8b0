"""`find_ruled_lines`: the printed lines of a notebook or a grid, found in a mask of what is dark, in NumPy alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["find_ruled_lines"]

Mask = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.intp]

STEEPEST = 8.0
"""Degrees that a line may lie out of the horizontal or vertical: a hand that holds a telephone does not do worse."""
STEP = 0.25
"""Degrees between the directions that are tried: over 200 pixels less than one pixel."""
THICKEST = 1 / 40
"""A line's thickness, at most, as a share of the picture's longer side."""
SHORTEST = 32
"""Pixels across a picture in which lines are looked for."""
GATHERED = 0.25
"""Share of the picture's width that lies in one row of a line, at least: it may bend, or be thicker than a row."""
COVERED = 0.6
"""Share of its way across the picture that a line must be seen on: less is a stroke of a digit, even of a long 1."""
END = 1 / 20
"""Share of its way within which a line must be seen at either end."""


def find_ruled_lines(mask: Mask) -> Mask:
    """Return those pixels of `mask` (h, w) that belong to straight lines across the whole picture.

    Where a stroke crosses a line, or runs along it and is thicker, the line's pixels are the stroke's as well and stay
    out of the result, so that taking the lines away leaves no gap.
    """
    return _level_lines(mask) | _level_lines(mask.T).T


def _level_lines(mask: Mask) -> Mask:
    """Return the pixels of lines from the left to the right."""
    width = mask.shape[1]
    thickest = max(2, round(THICKEST * max(mask.shape)))
    lines = np.zeros_like(mask)
    if width < max(SHORTEST, 4 * thickest):
        return lines
    thin = _thin(mask, thickest)
    slope, first, profile = _direction(thin)
    drop = np.rint(slope * (np.arange(width) - width / 2)).astype(np.intp)
    while profile.max() >= GATHERED * width:
        peak = int(profile.argmax())
        profile[max(0, peak - thickest) : peak + thickest + 1] = 0
        _mark_line(lines, mask, thin, peak + first + drop, thickest)
    return lines


def _thin(mask: Mask, thickest: int) -> Mask:
    """Return the pixels of `mask` whose run down their column is `thickest` long or less."""
    height = len(mask)
    rows = np.arange(height)[:, None]
    above = np.maximum.accumulate(np.where(mask, -1, rows), axis=0)
    below = np.minimum.accumulate(np.where(mask, height, rows)[::-1], axis=0)[::-1]
    thin: Mask = mask & (below - above - 1 <= thickest)
    return thin


def _direction(thin: Mask) -> tuple[float, int, Integers]:
    """Return the slope in which pixels gather in the fewest rows, the first such row, and how many lie in each.

    Rows are counted at the middle of the picture, and may begin above it and end below.
    """
    height, width = thin.shape
    rows, columns = np.nonzero(thin)
    reach = int(np.ceil(np.tan(np.radians(STEEPEST)) * width / 2)) + 1
    best, profile, sharpest = 0.0, np.zeros(height + 2 * reach, np.intp), -1
    for angle in np.arange(-STEEPEST, STEEPEST + STEP / 2, STEP):
        slope = float(np.tan(np.radians(angle)))
        crossing = np.rint(rows - slope * (columns - width / 2)).astype(np.intp) + reach
        counts = np.bincount(crossing, minlength=height + 2 * reach)
        sharpness = int((counts**2).sum())
        if sharpness > sharpest:
            best, profile, sharpest = slope, counts, sharpness
    return best, -reach, profile


def _mark_line(lines: Mask, mask: Mask, thin: Mask, centre: Integers, thickest: int) -> None:
    """Set in `lines` the pixels of the line that is expected near row `centre` of each column, if there is one."""
    height, width = mask.shape
    inside = (centre >= 0) & (centre < height)
    if inside.sum() < width / 2:
        return
    offsets = np.arange(-2 * thickest, 2 * thickest + 1)[:, None]
    rows, columns = centre + offsets, np.arange(width)
    within = (rows >= 0) & (rows < height)
    strip, slim = (within & each[np.clip(rows, 0, height - 1), columns] for each in (mask, thin))
    slim &= np.abs(offsets) <= thickest
    seen = slim.any(axis=0)
    if seen[inside].mean() < COVERED:
        return
    curve, off = _curve(slim, offsets)
    on = seen & (off <= 0.5 * thickest + 1)
    way, end = on[inside], max(2, int(END * width))
    if way.mean() < COVERED or not (way[:end].any() and way[-end:].any()):
        return
    # Only what is no thicker than the line: more is a stroke that crosses it or runs along it.
    run = _run_at(strip, np.rint(curve).astype(np.intp) + 2 * thickest)
    run &= run.sum(axis=0) <= 1.5 * float(np.median(slim.sum(axis=0)[on])) + 1.5
    at, column = np.nonzero(run)
    lines[rows[at, column], column] = True


def _curve(slim: Mask, offsets: Integers) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return how far a line lies from where it is expected, in each column, and how far its pixels lie from that.

    It may bend, as paper and lenses do, but evenly: a parabola through most of it.
    """
    seen = slim.any(axis=0)
    middle = (slim * offsets).sum(axis=0) / np.maximum(1, slim.sum(axis=0))
    place = np.linspace(-0.5, 0.5, len(middle))
    trusted = seen
    for _ in range(3):
        curve = np.polyval(np.polyfit(place[trusted], middle[trusted], 2), place)
        off = np.abs(middle - curve)
        trusted = seen & (off <= max(1.0, 2 * float(np.median(off[trusted]))))
    return curve, off


def _run_at(strip: Mask, middle: Integers) -> Mask:
    """Return the pixels of each column that hang together with its row `middle`, or with the next one to it."""
    length, width = strip.shape
    columns = np.arange(width)
    middle = np.clip(middle, 1, length - 2)
    for shift in (-1, 1):
        middle = np.where(strip[middle, columns], middle, middle + shift * strip[middle + shift, columns])
    numbers = np.cumsum(~strip, axis=0)
    run: Mask = strip & (numbers == numbers[middle, columns]) & strip[middle, columns]
    return run
