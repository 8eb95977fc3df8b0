"""`read`: every digit in a picture, where it is and what it is, in the order in which people read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mnist_runtime.classifier import Classifier
from mnist_runtime.prediction import Prediction
from mnist_runtime.preprocess.find import find

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Reading", "read"]


STEEPEST = 12
"""Degrees, to either side, that rows may slant."""


SAME_ROW = 0.5
"""Share of the usual height by which neighbours in a row may lie apart, once the slant is taken out."""


@dataclass(frozen=True)
class Reading:
    """One digit of a picture.

    Parameters
    ----------
    box : tuple of (int, int, int, int)
        Left, top, right and bottom around it, in pixels of the upright picture, the latter two exclusive.
    prediction : Prediction
        What it is. Its `digit` is None for a sign that is none, which `read` leaves out unless it is asked for
        everything.
    """

    box: tuple[int, int, int, int]
    prediction: Prediction


def read(
    picture: npt.ArrayLike | str | Path | Image, classifier: Classifier | None = None, *, everything: bool = False
) -> tuple[Reading, ...]:
    """Find the digits in a picture, row by row from above, and from left to right in each.

    Each must stand for itself: digits that touch are one sign, and no digit.

    Parameters
    ----------
    picture : array_like, str, Path or PIL.Image.Image
        As `Classifier.classify` takes it.
    classifier : Classifier, optional
        Without it, the ready model.
    everything : bool, optional
        Also return the signs that are no digit.

    Raises
    ------
    PictureError
        If it cannot be read, or is far too large.
    UsageError
        If it is no picture.
    BackendError
        If it is a file and Pillow is not installed.

    Examples
    --------
    >>> page = np.full((100, 200), 230, np.uint8)
    >>> page[20:80, 40:46] = page[22:82, 150:156] = 20
    >>> [(found.prediction.digit, found.box) for found in read(page)]
    [(1, (40, 20, 46, 80)), (1, (150, 22, 156, 82))]
    """
    found = find(picture)
    if not found:
        return ()
    classifier = classifier or Classifier.load()
    predictions = classifier.classify_ink([symbol.ink for symbol in found])
    return tuple(
        Reading(found[index].box, predictions[index])
        for index in _reading_order([symbol.box for symbol in found])
        if everything or predictions[index].digit is not None
    )


def _reading_order(boxes: list[tuple[int, int, int, int]]) -> list[int]:
    """Return the numbers of `boxes` (left, top, right, bottom) row by row, each row from the left.

    The slant of the rows is the one under which most boxes lie level with others.
    """
    left, top, right, bottom = np.array(boxes, np.float64).T
    usual = float(np.median(bottom - top))
    rows, columns = (top + bottom) / 2, (left + right) / 2

    def level(angle: float) -> float:
        heights = rows - np.tan(np.radians(angle)) * columns
        apart = (heights[:, None] - heights[None, :]) / (0.25 * usual)
        return float(np.exp(-(apart**2)).sum()) - 0.01 * abs(angle)  # the least slant, where several will do

    slant = max(np.arange(-STEEPEST, STEEPEST + 0.5), key=level)
    heights = rows - np.tan(np.radians(slant)) * columns
    order = np.argsort(heights)
    row_of = np.zeros(len(boxes), np.intp)
    row_of[order[1:]] = np.cumsum(np.diff(heights[order]) > SAME_ROW * usual)
    return [int(index) for index in np.lexsort((columns, row_of))]
