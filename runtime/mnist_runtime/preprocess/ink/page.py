"""Isolate a light page on a dark desk, or a dark key or badge on a light surface."""

from __future__ import annotations

import numpy as np

from mnist_runtime.preprocess.grayscale import FloatImage, Mask, bounding_box, erode
from mnist_runtime.preprocess.ink.background import repeat_cells
from mnist_runtime.preprocess.ink.components import (
    STEPS,
    connected_components,
    convexity,
    dilate,
    neighbors,
    rectangularity,
)

__all__ = ["isolate_page"]

CELLS = 48
"""Cells along the longer side of the grid."""
SAME = 0.7
"""Least brightness of a cell of the page, as a fraction of that of the page's nearest cell."""
NOTCH = 8
"""Most depth, in cells, of a notch that a digit cuts into the edge of the light area."""
SURROUNDED = 0.5
"""Least fraction of the picture's border that shows the desk."""
LEAST, SQUARE, SOLID = 0.4, 0.72, 0.7
"""Least fractions: of the picture, and of its bounding box, that a page covers; of the page that is light."""
SMALLEST, STRAIGHT, EMPTY = 0.06, 0.93, 0.8
"""The same for a smaller sheet, whose box may be rotated. A bold 0 fills 0.79 of its box."""
LONGEST = 2.5
"""Most length of a smaller sheet, as a multiple of its width; a bright 1 is longer."""
DIGIT = 0.15
"""Least height of a digit, or of its segment, as a fraction of its sheet's shorter side. With several digits, a sheet
may be longer and less empty."""
ROUND, CONVEX = 0.9, 0.97
"""Least width of a dark badge, as a fraction of its length, and least fraction of its convex hull that it fills."""
INK, HOLE = 0.04, 0.8
"""Least fraction of a badge that its digit covers, and of the convex hull that the hole of a 0 fills."""
AROUND = 3
"""Distance, in cells, within which the brightest cell is the background."""
BESIDE = 3
"""Width of the desk beside the page, in cells, that is compared with it."""
STRIP = 0.3
"""Most of the picture that a strip of desk at one or two of its sides covers."""
MOSTLY = 0.7
"""Least fraction of a side of the picture that shows the desk, for a side of desk."""
DARK = (0.25, 0.25, 0.55, 0.7, 0.7)
"""Most brightness of the desk, as a fraction of the page's, for 0 to 4 sides of desk. A shadow has one side."""


def isolate_page(gray: FloatImage) -> FloatImage:
    """Replace what is around a light page, or a dark key or badge, by the nearest brightness of the page.

    Any other picture is returned unchanged.
    """
    isolated = _isolate(gray, dark=False)
    if isolated is None:
        isolated = _isolate(255 - gray, dark=True)
        return gray if isolated is None else 255 - isolated
    return isolated


def _isolate(gray: FloatImage, *, dark: bool) -> FloatImage | None:
    """Isolate a light page; None if there is none. If `dark`, `gray` is inverted and the page is dark."""
    side = max(4, -(-max(gray.shape) // CELLS))
    rows, columns = gray.shape[0] // side, gray.shape[1] // side
    if min(rows, columns) < 8:
        return None
    cells = gray[: rows * side, : columns * side].reshape(rows, side, columns, side).mean(axis=(1, 3))
    light = _light_cells(cells)
    page = _whole_page(light)
    small = page.mean() < LEAST
    if light[page].mean() < SOLID or (not small and page[bounding_box(page)].mean() < SQUARE):
        return None
    core = erode(page, beyond=False)  # the cells at its edge contain some desk
    blank = core & erode(light, beyond=False)
    inside, known = cells[page], cells
    # Cells of a small sheet that seem blank may contain ink, so the brightest near them are used. On a page, this would
    # turn the edge into ink.
    if (small or dark) and inside.min() * inside.max() <= np.median(inside) ** 2:
        known = neighbors(np.where(blank, cells, 0), AROUND, np.maximum)
    background = _nearest_brightness(known, blank)
    if not _has_desk(page, cells / np.maximum(background, 1)):
        return None
    if (small or dark) and not _is_sheet(gray, page, light, side, dark):
        return None
    return np.where(repeat_cells(core, side, gray.shape), gray, repeat_cells(background, side, gray.shape))


def _light_cells(cells: FloatImage) -> Mask:
    """Return the cells that are as bright as paper.

    In light from one side, no threshold fits the whole page. So cells are compared with the nearest ones of the page.
    """
    light: Mask = cells >= (np.percentile(cells, 5) + np.percentile(cells, 95)) / 2
    for _ in range(2):
        light = cells >= SAME * _nearest_brightness(cells, erode(_largest(light), beyond=False))
    return light


def _whole_page(light: Mask) -> Mask:
    """Return the largest light area with the digits in it and at its edge."""
    largest = _largest(light)
    page = np.pad(_fill_rows(largest) & _fill_rows(largest.T).T, NOTCH)
    return ~dilate(~dilate(page, NOTCH), NOTCH)[NOTCH:-NOTCH, NOTCH:-NOTCH]


def _is_sheet(gray: FloatImage, page: Mask, light: Mask, side: int, dark: bool) -> bool:
    """Return whether a `page`, in cells of `side` pixels, has four straight edges or is a round key.

    Its edges are inside the picture: a light area beside a shadow has straight edges too, but leaves the picture.
    """
    height, width = page[bounding_box(page)].shape
    if any(edge.any() for edge in (page[0], page[-1], page[:, 0], page[:, -1])):
        return False
    if page.mean() < SMALLEST:
        return False
    around = repeat_cells(dilate(page, 1), side, gray.shape)
    inside = repeat_cells(page, side, gray.shape)
    paper, desk = np.median(gray[inside]), np.median(gray[~inside])
    if dark and desk >= DARK[-1] * paper:  # the frame of a box
        return False
    bright = around & (gray >= (paper + desk) / 2)
    sheet = _fill_rows(bright) & _fill_rows(bright.T).T
    may_be_ink = max(height, width) > LONGEST * min(height, width) or light[page].mean() < EMPTY
    if may_be_ink and not _shows_digits(sheet & (gray < 0.75 * paper + 0.25 * desk), side * min(height, width)):
        return False
    is_round = min(height, width) >= ROUND * max(height, width) and convexity(sheet) >= CONVEX
    if dark and is_round and _shows_digit(sheet, bright):
        return True
    return rectangularity(sheet) >= STRAIGHT


def _shows_digit(sheet: Mask, bright: Mask) -> bool:
    """Return whether the ink on a round `sheet` has another shape than the hole of a 0."""
    ink = sheet & ~bright
    if ink.sum() < INK * sheet.sum():
        return False
    digit = _largest(ink)
    return bool(digit.sum() >= INK * sheet.sum() and convexity(digit) < HOLE)


def _shows_digits(ink: Mask, shorter: int) -> bool:
    """Return whether the `ink` on a sheet, whose shorter side is `shorter`, has several parts as high as digits."""
    top, _, bottom, _ = connected_components(ink).boxes.T
    return np.count_nonzero(bottom - top >= DIGIT * shorter) > 1


def _has_desk(page: Mask, brightness: FloatImage) -> bool:
    """Return whether a dark desk surrounds `page`, with the `brightness` of each cell as a fraction of the page's.

    Only the desk beside the page is compared: there the light is the same. A strip of desk at one or two sides may also
    be a shadow, which is removed as well if nothing is written in it.
    """
    sides = np.array([1 - side.mean() for side in (page[0], page[-1], page[:, 0], page[:, -1])])
    if sides.mean() < SURROUNDED:
        strip = brightness[~dilate(page, 1)]
        is_narrow = strip.size > 0 and page.mean() >= 1 - STRIP and sides.max() >= MOSTLY
        return is_narrow and bool(strip.min() >= SAME * strip.max() and np.median(strip) <= DARK[-1])
    beside = dilate(page, BESIDE) & ~dilate(page, 1)
    desk = np.median(brightness[beside if beside.any() else ~page])
    return bool(desk <= DARK[int((sides >= MOSTLY).sum())])


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


def _nearest_brightness(cells: FloatImage, known: Mask) -> FloatImage:
    """Return the brightness of the nearest cell that is `known`; 0 if none is."""
    values = np.where(known, cells, 0).astype(np.float32)
    known = known.copy()
    while not known.all() and known.any():
        for source, target in STEPS:
            reached = known[source] & ~known[target]
            np.copyto(values[target], values[source], where=reached)
            known[target] |= reached
    return values
