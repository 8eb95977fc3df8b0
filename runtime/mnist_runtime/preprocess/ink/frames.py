"""Find frames in a mask of dark pixels: the boxes of a form, a circle around a digit, the border of a page."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mnist_runtime.preprocess.grayscale import Mask
from mnist_runtime.preprocess.ink.components import (
    Components,
    connected_components,
    convexity,
    dilate,
    neighbors,
    rectangularity,
)
from mnist_runtime.preprocess.ink.ruled_lines import comb, find_ruled_lines
from mnist_runtime.preprocess.ink.strokes import stroke_width

__all__ = ["find_frames"]

Integers = npt.NDArray[np.intp]

MOST = 4000
"""Most components that are tested, the largest ones."""
ENOUGH = 8
"""Most components in a frame that are tested, the largest ones."""
NESTED = 8
"""Most total area of the tested boxes, in areas of the picture; with more, nested lines are a pattern."""
DIRECTIONS = 36
"""Directions from a digit in which a frame is searched."""
AROUND = 0.85
"""Least fraction of the directions with a frame; a circle drawn by hand may be open."""
STROKES = 3
"""Least size of a digit in a frame, in widths of the frame's line; the dot of a dotted 0 is smaller."""
CONTENT = 0.25
"""Least size of a digit, as a fraction of the space in its frame."""
LARGE = 2.5
"""Least size of a frame around several smaller digits, as a multiple of theirs."""
CONVEX = 0.95
"""Least fraction of its convex hull that the area in a frame fills. Outlines of a bold 4, 6, 8 or 9 fill less."""
SIDE, FULL = 0.2, 0.87
"""Depth of the sides of a box, as a fraction of its size, and least fraction of each that a line fills."""
SMALLEST = 24
"""Least side of a box that a digit touches, in pixels."""
TOUCHING = 0.3
"""Least height of a digit that touches its box, as a fraction of the box's."""
HOLLOW = 0.3
"""Least fraction of an empty box that is not its line; the holes of a bold 8 are smaller."""
RECTANGLE = 0.9
"""Least rectangularity of the area in an empty box; the hole of a 0 has 0.88 at most."""
WIDE = 0.7
"""Least width of an empty box, as a fraction of its height; a 0 of seven segments is narrower."""
SQUARE = 0.9
"""The same if the line is as thick as a digit's strokes, or encloses two cells as an 8 does."""
THICK, BLUR = 0.075, 1.5
"""Least thickness of a thick line, as a fraction of its box's longer side, and pixels that blur adds."""
LEVEL, EQUAL = 0.06, 1.6
"""Digits in a row: most distance of their tops or bottoms over their height, and most ratio of their stroke widths."""
ALIKE = 0.15
"""Most difference between the sides of a narrow empty box and those of a box with a digit in it, as a fraction."""
OPENING = 0.4
"""Largest opening of a line that was not closed, as a fraction of its size."""
ARMS = 0.2
"""Most of a line, as a fraction, that does not enclose its area; the outline of a thin 6 or 9 has more."""
TINY = 0.05
"""Least area that a line encloses, as a fraction of the largest one."""
MOST_CELLS = 200
"""Most areas in a line that are tested, the largest ones."""
STRAIGHT = 0.9
"""Least fraction of a table's lines that must be straight to be found as ruled lines."""


def find_frames(mask: Mask, ruled: Mask) -> Mask:
    """Return the pixels of `mask` (h, w) that belong to lines around digits, and to empty boxes.

    Strokes that touch a closed line are not returned, nor is a table that leaves the picture: its lines are ruled
    lines. Components that are mostly in `ruled` (h, w) do not count as digits.
    """
    frames = np.zeros_like(mask)
    filled: list[tuple[int, ...]] = []
    empty: list[tuple[tuple[slice, slice], Mask, int]] = []
    others: list[tuple[float, float, float]] = []
    components = connected_components(mask)
    top, left, bottom, right = components.boxes.T
    largest = np.argsort(-np.maximum(bottom - top, right - left), kind="stable")[:MOST]
    digits = components.sums(np.where(ruled, np.float32(-1), np.float32(1))) > 0
    work = np.cumsum(((bottom - top) * (right - left))[largest])
    for number in largest[work <= NESTED * mask.size]:
        inside = largest[
            (top[largest] > top[number])
            & (left[largest] > left[number])
            & (bottom[largest] < bottom[number])
            & (right[largest] < right[number])
            & digits[largest]
        ]
        box = np.s_[top[number] : bottom[number], left[number] : right[number]]
        line = components.labels[box] == number
        corner = np.array([top[number], left[number]])
        frame, cells = np.zeros_like(line), 0
        at_edge = corner.min() == 0 or bottom[number] == mask.shape[0] or right[number] == mask.shape[1]
        if inside.size and _encloses_digits(line, components.boxes[inside] - np.tile(corner, 2)):
            frame = _walls(line, tables=not at_edge)
        elif _is_box(line):
            frame = _sides(line)
            cells = 0 if frame.any() else _empty_cells(line)
        if frame.any():
            filled.append(line.shape)
        elif cells:
            empty.append((box, line, cells))
        elif digits[number] and not at_edge:
            frame = comb(line)
            if not frame.any():
                others.append((top[number], bottom[number], stroke_width(line)))
        frames[box] |= frame
    for box, line, cells in empty:
        looks_empty = cells > 2 or (_is_wide(line, cells) and not _is_in_row(box[0], stroke_width(line), others))
        if looks_empty or any(np.allclose(line.shape, shape, rtol=ALIKE) for shape in filled):
            frames[box] |= line
    return frames


def _is_wide(line: Mask, cells: int) -> bool:
    """Return whether the `line` (h, w) of an empty box is too wide for a 0 or 8 of straight strokes."""
    thick = cells == 2 or stroke_width(line) - BLUR >= THICK * max(line.shape)
    return line.shape[1] >= (SQUARE if thick else WIDE) * len(line)


def _is_in_row(rows: slice, thickness: float, others: list[tuple[float, float, float]]) -> bool:
    """Return whether a box is as high and as thick as one of the `others` (top, bottom, thickness), and beside it."""
    most = LEVEL * (rows.stop - rows.start)
    return any(
        max(abs(top - rows.start), abs(bottom - rows.stop)) <= most
        and max(thick, thickness) <= EQUAL * min(thick, thickness)
        for top, bottom, thick in others
    )


def _encloses_digits(line: Mask, boxes: Integers) -> bool:
    """Return whether the `line` (h, w) is around some of the `boxes` (n, 4), and they are large enough for digits."""
    sides = boxes[:, 2:] - boxes[:, :2]
    large = np.flatnonzero(sides.max(axis=1) >= STROKES * stroke_width(line))[:ENOUGH]
    spaces = {number: space for number in large if (space := _space(line, boxes[number]))}
    if any((sides[number] >= CONTENT * np.array(space)).any() for number, space in spaces.items()):
        return True
    return len(spaces) > 1 and max(line.shape) >= LARGE * float(np.median(sides[list(spaces)].max(axis=1)))


def _space(line: Mask, box: Integers) -> tuple[int, int] | None:
    """Return the height and width of the space around the middle of `box`; None if the `line` does not surround it."""
    row, column = (box[0] + box[2]) // 2, (box[1] + box[3]) // 2
    rows, columns = np.nonzero(line)
    angles = np.arctan2(rows - row, columns - column)
    seen = np.bincount(((angles / (2 * np.pi) + 0.5) * DIRECTIONS).astype(np.intp) % DIRECTIONS, minlength=DIRECTIONS)
    if np.count_nonzero(seen) < AROUND * DIRECTIONS:
        return None
    return _free(line[:, column], row), _free(line[row], column)


def _free(line: npt.NDArray[np.bool_], at: int) -> int:
    """Return the number of values around `at` up to the next ones that are set in `line` (n,)."""
    before, after = np.flatnonzero(line[:at]), np.flatnonzero(line[at:])
    return int((at + after[0] if after.size else len(line)) - (before[-1] + 1 if before.size else 0))


def _walls(line: Mask, *, tables: bool) -> Mask:
    """Return the pixels of the `line` (h, w) that separate the areas which it encloses from each other and the rest.

    A line around several areas is a table; unless `tables`, no pixels of it are returned.
    """
    width = stroke_width(line)
    closing = max(1, round(width / 3))
    margin = closing + 1
    gaps = _gaps(line, closing)
    areas = _cells(gaps)
    number = len(np.unique(areas[areas > 0]))
    if number == 0:
        return line & _is_open_frame(line)
    if number > 1 and not tables:
        return np.zeros_like(line)
    reach = int(np.ceil(1.5 * width)) + closing
    highest = neighbors(areas, reach, np.maximum)
    lowest = neighbors(np.where(areas < 0, np.int32(gaps.number), areas), reach, np.minimum)
    walls: Mask = line & (highest > lowest)[margin:-margin, margin:-margin]
    if number == 1:
        arms = line & (highest == 0)[margin:-margin, margin:-margin]
        inside = (areas > 0) | (areas < 0) & (lowest > 0)
        return walls & (convexity(inside) >= CONVEX and arms.sum() <= ARMS * line.sum())
    straight = find_ruled_lines(line)
    return straight if straight.sum() >= STRAIGHT * walls.sum() else walls


def _is_open_frame(line: Mask) -> bool:
    """Return whether the `line` (h, w) encloses a convex area once its opening is closed."""
    reach = round(OPENING / 2 * max(line.shape))
    gaps = connected_components(~dilate(np.pad(line, reach + 1), reach))
    return gaps.number > 1 and convexity(~dilate(gaps.labels == 0, reach)) >= CONVEX


def _is_box(line: Mask) -> bool:
    """Return whether the `line` (h, w) fills nearly all of the four sides of its bounding box."""
    height, width = line.shape
    rows, columns = (max(1, round(SIDE * length)) for length in line.shape)
    sides = (
        line[:rows].any(axis=0),
        line[-rows:].any(axis=0),
        line[:, :columns].any(axis=1),
        line[:, -columns:].any(axis=1),
    )
    return min(height, width) >= SMALLEST and all(side.mean() >= FULL for side in sides)


def _sides(line: Mask) -> Mask:
    """Return the pixels of the sides of a box; none unless a digit touches it."""
    sides = _walls(line, tables=False)
    digits = connected_components(line & ~sides)
    heights = digits.boxes[:, 2] - digits.boxes[:, 0]
    return sides & bool((heights >= TOUCHING * len(line)).any())


def _empty_cells(line: Mask) -> int:
    """Return the number of areas that the `line` (h, w) encloses if all of them are rectangles; otherwise 0."""
    gaps = _gaps(line, max(1, round(stroke_width(line) / 3)))
    areas = np.bincount(gaps.labels[gaps.labels > 0], minlength=gaps.number)
    if areas.sum() < HOLLOW * line.size:
        return 0
    large = np.flatnonzero(areas >= TINY * areas.max())
    for number in large[:MOST_CELLS]:
        top, left, bottom, right = gaps.boxes[number]
        if rectangularity(gaps.labels[top:bottom, left:right] == number) < RECTANGLE:
            return 0
    return len(large)


def _gaps(line: Mask, closing: int) -> Components:
    """Return the areas between the strokes of `line` (h, w); gaps in it of up to twice `closing` pixels are closed.

    The first area is around the line, which has a margin of `closing` + 1.
    """
    return connected_components(~dilate(np.pad(line, closing + 1), closing))


def _cells(gaps: Components) -> npt.NDArray[np.int32]:
    """Return the labels of `gaps`: 0 for tiny ones; the loops of a digit belong to the area around it."""
    areas = np.bincount(gaps.labels[gaps.labels > 0], minlength=gaps.number)
    cells = np.where(areas < TINY * areas.max(), 0, np.arange(gaps.number)).astype(np.int32)
    boxes = gaps.boxes
    largest = np.argsort(-areas, kind="stable")[:MOST_CELLS]
    for number in largest[areas[largest] > 0]:
        within = (boxes[:, :2] > boxes[number, :2]).all(axis=1) & (boxes[:, 2:] < boxes[number, 2:]).all(axis=1)
        cells[within] = number
    cells[0] = 0
    cells = cells[cells]  # what is in a loop belongs to the area around the loop
    return np.where(gaps.labels < 0, gaps.labels, cells[gaps.labels])
