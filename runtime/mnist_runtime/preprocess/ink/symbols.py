"""Group connected components into symbols, such as body and bar of a 5; cut symbols of two digits that touch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mnist_runtime.preprocess.grayscale import FloatImage

__all__ = [
    "HIGHEST",
    "Symbol",
    "barcode_bars",
    "cuts",
    "digit_marks",
    "group_symbols",
    "main_symbol",
    "typical_height",
]

SPECK = 0.01
"""Least ink of a component, as a fraction of the largest one's; less is dirt."""
MOST = 4000
"""Most components that are grouped, those with the most ink; only noise has more."""
NEAR = 0.25
"""Largest gap between the components of a symbol, as a fraction of its size."""
BREAK = 0.08
"""Largest gap within a broken stroke, as a fraction of the symbol's size."""
LARGEST = 1.4
"""Largest sides of a symbol with wider gaps, as a multiple of its first component or of the typical height."""
SMALLER = 0.6
"""Most height of a component beside its symbol, as a fraction of the symbol's height."""
BELOW = 0.3
"""Least overlap of components above each other, as a fraction of the narrower width."""
DASH = 4
"""Least width of a dash, as a multiple of its height."""
LONG = 1.2
"""Least width of an underline, as a multiple of its digit's; the tail of a 2 is hardly longer."""
HIGHEST = 2.5
"""Largest size of a digit, as a multiple of the typical height."""
NARROW, LEVEL = 0.3, 0.7
"""Most width of a bar, and height that it shares with those beside it, as fractions of a bar's height."""
MOST_ONES, MOST_BARS = 6, 500
"""Most 1s of a number whose left sides are within one height, and most bars that are tested."""
HALF = 0.5
"""Least height of a digit, as a fraction of the typical one; twice the typical one is the most."""
SLANTS = (-0.3, 0.0, 0.3)
"""Slants of the lines along which a symbol is cut, in columns a row."""
MARGIN = 0.25
"""Fraction of a symbol's width at either side in which it is not cut, at half of its height."""
CUTS = 8
"""Number of cuts of each slant."""
LEAST_INK, LEAST_HEIGHT = 0.12, 0.65
"""Least ink and height of either part, as fractions of the symbol's."""

Box = tuple[int, int, int, int]


class Symbol(NamedTuple):
    """A symbol: numbers of its components, sum of their ink, and top, left, bottom and right."""

    components: tuple[int, ...]
    mass: float
    box: Box

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.box[2] - self.box[0]

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.box[3] - self.box[1]

    @property
    def size(self) -> int:
        """Longer side in pixels."""
        return max(self.height, self.width)

    @property
    def is_dash(self) -> bool:
        """Whether it is long and flat: a line under a digit, a minus, or the bar of a 5."""
        return self.width >= DASH * self.height

    def underlines(self, other: Symbol) -> bool:
        """Return whether it is a line under `other`: at some distance, or longer than any stroke of a digit."""
        if not self.is_dash or self.width < LONG * other.width:
            return False
        if self.width >= LONG * other.size:
            return self.box[0] + self.box[2] >= 2 * other.box[2]
        return self.box[0] - other.box[2] > BREAK * other.size

    def touches_edge(self, shape: tuple[int, ...]) -> bool:
        """Return whether the symbol touches the edge of a picture of `shape` (h, w)."""
        return min(self.box[:2]) == 0 or self.box[2] == shape[0] or self.box[3] == shape[1]

    def gap(self, other: Symbol) -> int:
        """Return the larger of the distances along both axes, in pixels."""
        return max(0, -self._overlap(other, 0), -self._overlap(other, 1))

    def overlap(self, other: Symbol) -> int:
        """Return the number of shared columns; negative: columns between them."""
        return self._overlap(other, 1)

    def join(self, other: Symbol) -> Symbol:
        """Return both as one symbol."""
        top, left = map(min, self.box[:2], other.box[:2])
        bottom, right = map(max, self.box[2:], other.box[2:])
        return Symbol(self.components + other.components, self.mass + other.mass, (top, left, bottom, right))

    def _overlap(self, other: Symbol, axis: int) -> int:
        return min(self.box[axis + 2], other.box[axis + 2]) - max(self.box[axis], other.box[axis])


def group_symbols(boxes: npt.NDArray[np.intp], masses: npt.NDArray[np.float64]) -> list[Symbol]:
    """Group components, with `boxes` (n, 4) and ink `masses` (n,), into symbols; those with the most ink come first.

    A component joins the near symbol with the largest overlap, if it is above or below it, or smaller. Two digits that
    touch are one component; the size of a symbol is limited, so that they do not join the whole page.
    """
    order = np.argsort(-masses, kind="stable")[:MOST]
    parts = [Symbol((int(n),), float(masses[n]), tuple(boxes[n].tolist())) for n in order]
    parts = [part for part in parts if part.mass >= SPECK * parts[0].mass]
    typical = typical_height(parts)
    first: list[Symbol] = []
    found: list[Symbol] = []
    sides = np.empty((len(parts), 4), np.intp)
    for part in parts:
        fitting = [n for n in _near(sides[: len(found)], part) if _belongs(found[n], part, first[n], typical)]
        if fitting:
            nearest = min(fitting, key=lambda n: (-found[n].overlap(part), found[n].gap(part)))
            found[nearest] = found[nearest].join(part)
        else:
            nearest = len(found)
            first.append(part)
            found.append(part)
        sides[nearest] = found[nearest].box
    return sorted(found, key=lambda symbol: -symbol.mass)


def main_symbol(symbols: list[Symbol], shape: tuple[int, ...]) -> Symbol:
    """Return the symbol with the most ink, joined with everything near it; a picture of `shape` (h, w) shows one digit.

    Symbols at the edge, such as shadows, are used only if there is nothing else.
    """
    largest = max(symbol.size for symbol in symbols)
    inside = [symbol for symbol in symbols if not symbol.touches_edge(shape)]
    if all(symbol.size < SMALLER / 2 * largest for symbol in inside):
        inside = symbols
    digit = next((symbol for symbol in inside if not symbol.is_dash), inside[0])
    others = [symbol for symbol in inside if symbol is not digit and not symbol.underlines(digit)]
    while near := next((symbol for symbol in others if digit.gap(symbol) <= NEAR * digit.size), None):
        others.remove(near)
        digit = digit.join(near)
    return digit


def digit_marks(symbols: list[Symbol], shape: tuple[int, ...]) -> list[Symbol]:
    """Return the symbols that may be digits of one picture of `shape` (h, w); none if there is only one.

    They have half to twice the typical height. Symbols at the edge, such as shadows, count only if all are at the edge.
    A frame and its content are one symbol.
    """
    inside = [symbol for symbol in symbols if not symbol.touches_edge(shape)] or symbols
    typical = typical_height(inside)
    marks = [symbol for symbol in inside if HALF * typical <= symbol.height <= typical / HALF]
    return marks if len(marks) > 1 else []


def barcode_bars(symbols: list[Symbol]) -> set[Symbol]:
    """Return the bars of barcodes: narrow symbols of one height, closer than the ones of a number."""
    narrow = [symbol for symbol in symbols if symbol.width < NARROW * symbol.height][:MOST_BARS]
    top, left, bottom, _ = np.array([symbol.box for symbol in narrow], np.float32).reshape(-1, 4).T
    height = bottom - top
    shared = np.minimum(bottom, bottom[:, None]) - np.maximum(top, top[:, None])
    beside = (np.abs(left - left[:, None]) <= height) & (shared >= LEVEL * np.maximum(height, height[:, None]))
    dense = beside.sum(axis=0) > MOST_ONES
    return {symbol for symbol, is_bar in zip(narrow, (beside & dense).any(axis=1), strict=True) if is_bar}


def typical_height(symbols: list[Symbol]) -> float:
    """Return the weighted median height of the symbols with ink, without dashes; 0 without symbols.

    The weight of a height is itself: without weights, dust would decide; weighted by ink, a corner of the desk.
    """
    heights = np.sort([s.height for s in symbols if s.mass and not s.is_dash] or [s.height for s in symbols])
    sums = np.cumsum(heights)
    return float(heights[np.searchsorted(sums, sums[-1] / 2)]) if len(heights) else 0.0


def _near(sides: npt.NDArray[np.intp], part: Symbol) -> npt.NDArray[np.intp]:
    """Return the numbers of the symbols with `sides` (n, 4) that are near enough for `part` to belong to them."""
    top, left, bottom, right = sides.T
    gap = np.maximum.reduce((part.box[0] - bottom, top - part.box[2], part.box[1] - right, left - part.box[3]))
    return np.flatnonzero(gap <= NEAR * np.maximum(bottom - top, right - left))


def _belongs(symbol: Symbol, part: Symbol, first: Symbol, typical: float) -> bool:
    """Return whether `part`, which has less ink, belongs to `symbol`, which began with the component `first`.

    Nothing belongs to a component that is too large for a digit, such as a dashed line or an open frame.
    """
    if first.size > HIGHEST * typical:
        return False
    gap = symbol.gap(part) / symbol.size
    if gap > NEAR or symbol.underlines(part) or part.underlines(symbol):
        return False
    both = symbol.join(part)
    if gap > BREAK and (
        both.height > LARGEST * max(typical, first.height) or both.width > LARGEST * max(typical, first.size)
    ):
        return False
    overlap = symbol.overlap(part)
    if gap > BREAK and overlap < 0:  # a smaller digit, such as the cents of a price, or a colon
        return False
    return part.height < SMALLER * symbol.height or overlap >= BELOW * min(symbol.width, part.width)


def cuts(ink: FloatImage) -> list[tuple[FloatImage, FloatImage]]:
    """Cut the `ink` (h, w), 0..255, of two digits that touch into a left and a right part, along several lines."""
    height, width = ink.shape
    rows, columns = np.indices(ink.shape)
    found = []
    for slant in SLANTS:
        upright = columns - slant * (rows - height / 2)
        for column in np.linspace(MARGIN, 1 - MARGIN, CUTS) * width:
            parts = np.where(upright < column, ink, 0), np.where(upright < column, 0, ink)
            if (
                min(part.sum() for part in parts) >= LEAST_INK * ink.sum()
                and min(map(_height_of, parts)) >= LEAST_HEIGHT * height
            ):
                found.append(parts)
    return found


def _height_of(ink: FloatImage) -> int:
    return int(np.ptp(np.flatnonzero(ink.any(axis=1)))) + 1 if ink.any() else 0
