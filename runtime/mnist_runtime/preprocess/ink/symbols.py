"""`Mark`: parts of handwriting that make a sign together, and may be a digit; all of a sheet, or the one meant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Mark", "main_mark", "marks"]

SPECK = 0.01
"""Share of the largest part's ink below which a part is dirt, wherever it lies."""
MOST = 500
"""Parts that are looked at, those with the most ink: a page holds fewer, noise more."""
NEAR = 0.25
"""Gap, as a share of a sign's size, over which a smaller part still belongs to it, as the bar of a 5 does."""
BREAK = 0.08
"""Gap, as a share of a sign's size, that is a break in a stroke, however large the whole becomes."""
LARGEST = 1.4
"""Size of a sign put together over wider gaps, at most, as a multiple of what is usual on the sheet."""
SMALLER = 0.6
"""Height of a part, as a share of a sign's, below which it may stand beside it: two digits are more alike."""
BELOW = 0.3
"""Share of the narrower one's width by which a part lies above or below a sign, and not beside it."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Mark:
    """A sign on a sheet.

    Parameters
    ----------
    parts : tuple of int
        Numbers of the parts that it consists of.
    mass : float
        Their ink.
    box : tuple of (int, int, int, int)
        Top, left, bottom and right around them, the latter two exclusive.
    """

    parts: tuple[int, ...]
    mass: float
    box: Box

    @property
    def height(self) -> int:
        """From top to bottom, in pixels."""
        return self.box[2] - self.box[0]

    @property
    def width(self) -> int:
        """From left to right, in pixels."""
        return self.box[3] - self.box[1]

    @property
    def size(self) -> int:
        """The longer side."""
        return max(self.height, self.width)

    def is_cut(self, shape: tuple[int, ...]) -> bool:
        """Say whether the edge of a picture of `shape` (h, w) cuts it."""
        return min(self.box[:2]) == 0 or self.box[2] == shape[0] or self.box[3] == shape[1]

    def gap(self, other: Mark) -> int:
        """Return the pixels between the two, along the axis on which they lie further apart."""
        return max(0, -self._shared(other, 0), -self._shared(other, 1))

    def overlap(self, other: Mark) -> int:
        """Return how many columns the two share; negative if there are columns between them."""
        return self._shared(other, 1)

    def joined(self, other: Mark) -> Mark:
        """Return both as one."""
        outer = (*map(min, self.box[:2], other.box[:2]), *map(max, self.box[2:], other.box[2:]))
        return Mark(self.parts + other.parts, self.mass + other.mass, (outer[0], outer[1], outer[2], outer[3]))

    def _shared(self, other: Mark, axis: int) -> int:
        return min(self.box[axis + 2], other.box[axis + 2]) - max(self.box[axis], other.box[axis])


def marks(boxes: npt.NDArray[np.intp], masses: npt.NDArray[np.float64]) -> list[Mark]:
    """Put the parts of a sheet together, whose boxes are (n, 4) and whose ink is (n,); most ink comes first.

    A part belongs to the sign near it that it shares the most columns with, if it lies above or below it or is
    smaller. Two digits side by side stay two, and so do digits of two rows.
    """
    order = np.argsort(-masses, kind="stable")[:MOST]
    parts = [Mark((int(n),), float(masses[n]), tuple(boxes[n].tolist())) for n in order]
    parts = [part for part in parts if part.mass >= SPECK * parts[0].mass]
    usual = usual_height(parts)
    found: list[Mark] = []
    for part in parts:
        fitting = [mark for mark in found if _belong(mark, part, usual)]
        if fitting:
            nearest = min(fitting, key=lambda mark: (-mark.overlap(part), mark.gap(part)))
            found[found.index(nearest)] = nearest.joined(part)
        else:
            found.append(part)
    return sorted(found, key=lambda mark: -mark.mass)


def main_mark(found: list[Mark], shape: tuple[int, ...]) -> Mark:
    """Return the one sign that a picture of `shape` (h, w) of a single digit shows: all that lies near the most ink.

    What the picture's edge cuts, as it does shadows and the next digit, is meant only if there is nothing else.
    """
    largest = max(mark.size for mark in found)
    whole = [mark for mark in found if not mark.is_cut(shape)]
    if all(mark.size < SMALLER / 2 * largest for mark in whole):
        whole = found
    digit, *others = whole
    while near := next((mark for mark in others if digit.gap(mark) <= NEAR * digit.size), None):
        others.remove(near)
        digit = digit.joined(near)
    return digit


def usual_height(found: list[Mark]) -> float:
    """Return the height that half of the ink does not exceed; 0 without any."""
    ordered = sorted(found, key=lambda mark: mark.height)
    reached = np.cumsum([mark.mass for mark in ordered])
    return float(ordered[int(np.searchsorted(reached, reached[-1] / 2))].height) if ordered else 0.0


def _belong(mark: Mark, part: Mark, usual: float) -> bool:
    """Say whether `part`, which has less ink, belongs to `mark`."""
    apart = mark.gap(part) / mark.size
    if apart > NEAR or (apart > BREAK and mark.joined(part).size > LARGEST * max(usual, mark.size)):
        return False
    return part.height < SMALLER * mark.height or mark.overlap(part) >= BELOW * min(mark.width, part.width)
