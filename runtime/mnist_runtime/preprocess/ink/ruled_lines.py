"""Find lines in a mask of dark pixels: ruled lines and grids, combs, and lines at the picture's border."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mnist_runtime.preprocess.grayscale import Mask
from mnist_runtime.preprocess.ink.components import Components, connected_components, dilate
from mnist_runtime.preprocess.ink.strokes import stroke_width

__all__ = ["border_lines", "comb", "find_ruled_lines", "gap_components"]

Integers = npt.NDArray[np.intp]

STEEPEST = 8.0
"""Largest angle of a line to the picture's sides, in degrees."""
STEP = 0.25
"""Step between the angles that are tried, in degrees."""
THICKEST = 1 / 40
"""Largest thickness of a line, as a fraction of the picture's longer side."""
SHORTEST = 32
"""Least width of a picture with lines, in pixels."""
GATHERED = 0.25
"""Least fraction of the width that a line fills in one row; it may bend over several."""
BETWEEN = 0.25
"""Most pixels of a row between two lines, as a fraction of those of a line."""
CUT = 0.2
"""Least fraction of the width for a line that leaves the picture, if there are others."""
COVERED = 0.6
"""Least visible fraction of a line; long strokes cover less of the width."""
EVEN, DENSE = 0.45, 0.75
"""Least fractions of the width where a line has its usual thickness, or is visible; one of them is enough.

Ruled lines under thick digits have 0.53 and 0.56 or more, faint ones 0.4 and 0.9, rows of small digits at most 0.39 and
0.65.
"""
END = 1 / 20
"""Fraction of a line, at each end, of which some must be visible."""
FLAT = 1.5
"""Least width of a comb, as a multiple of its height."""
BASE = 0.4
"""Least fraction of a comb's width without teeth."""
THIN = 0.25
"""Most thickness of a comb's base, as a fraction of its height."""
SLANT = 0.1
"""Most width of a comb's tooth, beyond two thicknesses, as a fraction of the comb's height."""
TOOTH = 2
"""Least length of a tooth, as a multiple of the base's thickness."""
BORDER, WIDE_BORDER = 0.15, 0.22
"""Width of the picture's border, as a fraction of each side; the second one for lines from edge to edge."""
BORDER_LENGTH = 0.5
"""Least length of a line in the border, as a fraction of the picture's shorter side."""
BORDER_THICKEST, EDGE_THICKEST = 1 / 16, 1 / 10
"""Most thickness of a line in the border, as a fraction of the same side; the second one from edge to edge."""
THIN_LINE = 3
"""Thickness, in pixels, up to which a line from edge to edge is thin in any picture."""
LOW, HIGH = 0.1, 0.85
"""Range of the heights of digits on cards, as fractions of the same side."""


def find_ruled_lines(mask: Mask) -> Mask:
    """Return the pixels of `mask` (h, w) that belong to straight lines across the whole picture.

    Pixels shared with a stroke are left out, so that removing the lines leaves no gap in it.
    """
    horizontal, vertical = _horizontal_lines(mask), _horizontal_lines(mask.T).T
    return horizontal | vertical | _crossings(mask, horizontal, vertical)


def _crossings(mask: Mask, horizontal: Mask, vertical: Mask) -> Mask:
    """Return the pixels in which two lines cross; they are left out there, as for a stroke."""
    if not (horizontal.any() and vertical.any()):
        return np.zeros_like(mask)
    left_over = connected_components(mask & ~horizontal & ~vertical)
    top, left, bottom, right = left_over.boxes.T
    # A line that leaves the picture goes on beyond its edge.
    horizontal, vertical = (np.pad(dilate(lines, 1), 1, constant_values=True) for lines in (horizontal, vertical))
    row, column = (top + bottom + 1) // 2, (left + right + 1) // 2
    between = horizontal[row, left] & horizontal[row, right + 1] & vertical[top, column] & vertical[bottom + 1, column]
    return left_over.mask(between & (np.maximum(bottom - top, right - left) <= _thickest(mask)))


def _thickest(mask: Mask) -> int:
    return max(2, round(THICKEST * max(mask.shape)))


def _horizontal_lines(mask: Mask) -> Mask:
    width, thickest = mask.shape[1], _thickest(mask)
    lines = np.zeros_like(mask)
    if width < max(SHORTEST, 4 * thickest):
        return lines
    thin = _thin(mask, thickest)
    slope, first, profile = _direction(thin)
    drop = np.rint(slope * (np.arange(width) - width / 2)).astype(np.intp)
    left = profile.copy()
    while left.max() >= GATHERED * width:
        peak = int(left.argmax())
        reach = _reach(profile, peak, thickest)
        left[max(0, peak - reach) : peak + reach + 1] = 0
        _add_line(lines, mask, thin, peak + first + drop, reach)
    return lines


def _thin(mask: Mask, thickest: int) -> Mask:
    """Return the pixels of `mask` in vertical runs of at most `thickest` pixels."""
    height = len(mask)
    rows = np.arange(height, dtype=np.int32)[:, None]
    above = np.maximum.accumulate(np.where(mask, np.int32(-1), rows), axis=0)
    below = np.minimum.accumulate(np.where(mask, np.int32(height), rows)[::-1], axis=0)[::-1]
    thin: Mask = mask & (below - above - 1 <= thickest)
    return thin


def _direction(thin: Mask) -> tuple[float, int, Integers]:
    """Return the slope along which pixels concentrate in the fewest rows, the first row, and the pixels per row.

    Rows are counted at the middle column, from above the picture to below it.
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


def _reach(profile: Integers, peak: int, thickest: int) -> int:
    """Return half of the distance from the line at `peak` to the next one; at most `thickest`."""
    reach = thickest
    for beside in (profile[peak : peak + 2 * thickest], profile[max(0, peak - 2 * thickest + 1) : peak + 1][::-1]):
        between = int((beside < beside[0] * BETWEEN).argmax())
        beyond = np.flatnonzero(beside[between:] >= beside[0] / 2)
        if between and beyond.size:
            reach = min(reach, (between + int(beyond[0])) // 2)
    return reach


def _add_line(lines: Mask, mask: Mask, thin: Mask, center: Integers, thickest: int) -> None:
    """Set in `lines` the pixels of a line near row `center` of each column, if there is one.

    A line that leaves the picture may be shorter if there are others.
    """
    height, width = mask.shape
    inside = (center >= 0) & (center < height)
    if inside.sum() < width * (CUT if lines.any() else 0.5):
        return
    offsets = np.arange(-2 * thickest, 2 * thickest + 1)[:, None]
    rows, columns = center + offsets, np.arange(width)
    within = (rows >= 0) & (rows < height)
    strip, slim = (within & each[np.clip(rows, 0, height - 1), columns] for each in (mask, thin))
    slim &= np.abs(offsets) <= thickest
    seen = slim.any(axis=0)
    if seen[inside].mean() < COVERED:
        return
    curve, distance = _fit_curve(slim, offsets)
    on_line = seen & (distance <= 0.5 * thickest + 1)
    visible, end = on_line[inside], max(2, int(END * width))
    if visible.mean() < COVERED or not (visible[:end].any() and visible[-end:].any()):
        return
    # Thicker runs are strokes that cross the line or run along it.
    run = _run_at(strip, np.rint(curve).astype(np.intp) + 2 * thickest)
    thickness = run.sum(axis=0)
    usual = float(np.median(thickness[thickness > 0])) if thickness.any() else 0.0
    even = np.abs(thickness - usual) <= 0.1 * usual + 1
    run &= thickness <= 1.25 * usual + 1.25
    if even[inside].mean() < EVEN and run.any(axis=0)[inside].mean() < DENSE:
        return
    at, column = np.nonzero(run)
    lines[rows[at, column], column] = True


def _fit_curve(slim: Mask, offsets: Integers) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Fit a parabola to a line, without outliers; return its offset, and the pixels' distance, in each column."""
    seen = slim.any(axis=0)
    middle = (slim * offsets).sum(axis=0) / np.maximum(1, slim.sum(axis=0))
    position = np.linspace(-0.5, 0.5, len(middle))
    fitting = seen
    for _ in range(3):
        curve = np.polyval(np.polyfit(position[fitting], middle[fitting], 2), position)
        distance = np.abs(middle - curve)
        fitting = seen & (distance <= max(1.0, 2 * float(np.median(distance[fitting]))))
    return curve, distance


def _run_at(strip: Mask, middle: Integers) -> Mask:
    """Return the vertical run of each column at row `middle`, or at a row next to it."""
    length, width = strip.shape
    columns = np.arange(width)
    middle = np.clip(middle, 1, length - 2)
    for shift in (-1, 1):
        middle = np.where(strip[middle, columns], middle, middle + shift * strip[middle + shift, columns])
    numbers = np.cumsum(~strip, axis=0)
    run: Mask = strip & (numbers == numbers[middle, columns]) & strip[middle, columns]
    return run


def comb(line: Mask) -> Mask:
    """Return the base and the teeth of a comb, a row of boxes that are open above; none if `line` is no comb.

    Digits may touch them.
    """
    height, width = line.shape
    nothing = np.zeros_like(line)
    if width < FLAT * height:
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


def gap_components(components: Components) -> Mask:
    """Return which of the components (n,) are gaps between cards with digits, or the surface around the cards.

    Gaps go from one edge of the picture to the opposite one, and at least two digits, which are less high, touch no
    edge. A single gap must touch a third edge: otherwise, it could be a 1 that is higher than the other digits.
    """
    shape = components.labels.shape
    top, left, bottom, right = components.boxes.T
    edges = np.stack([top == 0, bottom == shape[0], left == 0, right == shape[1]])
    heights = (bottom - top)[~edges.any(axis=0)] / min(shape)
    across = edges[:2].all(axis=0) | edges[2:].all(axis=0)
    if np.count_nonzero((heights >= LOW) & (heights <= HIGH)) < 2:
        return np.zeros_like(across)
    gaps: Mask = across & ((edges.sum(axis=0) > 2) | (across.sum() > 1))
    return gaps


def border_lines(components: Components, *, has_lines: bool) -> tuple[Mask, bool]:
    """Return which of the components (n,) are lines in the border of the picture, and whether these are sides of a box.

    A single line from edge to edge may be a 1. Two are a box; `has_lines` says that there is another one. In a box,
    all other components of the border that touch an edge are returned too: they belong to the next boxes.
    """
    shape = components.labels.shape
    shorter = min(shape)
    lines, sides, others = np.zeros((3, components.number), bool)
    count = int(has_lines)
    for number, (top, left, bottom, right) in enumerate(components.boxes):
        at_edge = np.array([top == 0, bottom == shape[0], left == 0, right == shape[1]])
        if not at_edge.any():
            continue
        line = components.labels[top:bottom, left:right] == number
        rows, columns = np.nonzero(line)
        depth = np.minimum(
            *(
                np.minimum(positions, length - 1 - positions) / length
                for positions, length in zip((rows + top, columns + left), shape, strict=True)
            )
        ).max()
        if max(bottom - top, right - left) < BORDER_LENGTH * shorter:
            others[number] = depth < WIDE_BORDER
            continue
        thickness = stroke_width(line)
        lines[number] = depth < BORDER and thickness <= BORDER_THICKEST * shorter
        across = (at_edge[:2].all() or at_edge[2:].all()) and _ends_in_corners(line, at_edge, (top, left), shape)
        if across and depth < WIDE_BORDER and thickness <= max(EDGE_THICKEST * shorter, THIN_LINE):
            sides[number] = True
            count += 1 + int(at_edge.sum() > 2)
    return (lines | sides | others, True) if count > 1 and sides.any() else (lines, False)


def _ends_in_corners(
    line: Mask, at_edge: npt.NDArray[np.bool_], corner: tuple[int, int], shape: tuple[int, ...]
) -> bool:
    """Return whether a `line` is near corners of the picture at each edge that it touches; an oval is not."""
    for touches, along, axis in zip(at_edge, (line[0], line[-1], line[:, 0], line[:, -1]), (1, 1, 0, 0), strict=True):
        place = (np.flatnonzero(along) + corner[axis]) / shape[axis]
        if touches and place.min() >= WIDE_BORDER and place.max() <= 1 - WIDE_BORDER:
            return False
    return True
