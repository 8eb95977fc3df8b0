"""Read all digits of a picture, in reading order, with their boxes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

import numpy as np

from mnist_runtime.classifier import Classifier
from mnist_runtime.errors import UsageError
from mnist_runtime.prediction import Prediction
from mnist_runtime.preprocess.decode import PictureSource, load_pixels
from mnist_runtime.preprocess.grayscale import FloatImage, bounding_box, check_picture, color_axis, grayscale
from mnist_runtime.preprocess.ink.photo import photo_ink
from mnist_runtime.preprocess.ink.symbols import HIGHEST, barcode_bars, cuts, typical_height
from mnist_runtime.preprocess.prepare import Ink
from mnist_runtime.system.process import usual_errors

__all__ = ["PageSymbol", "Reading", "check_finds", "find", "in_rows", "read", "reading_order"]

Box = tuple[int, int, int, int]

LONGEST = 1600
"""Longer side, in pixels, to which a page is reduced."""
SMALLEST = 1 / 80
"""Smallest size of a digit, as a fraction of the page's longer side: 20 of 1600 pixels."""
LOWEST = 0.4
"""Least height of a digit, as a multiple of the typical one."""
WIDE = 1.0
"""Least width of a symbol that may be two digits that touch, as a fraction of its height. V, n and H are narrower."""
MANY = 1.5
"""The same of three or more digits; m and w are narrower."""
DOUBTFUL, SURE = 0.9, 0.98
"""Wide symbols with less confidence are cut; both parts need this confidence."""
MOST_FIRST = 3
"""Most cuts of a symbol whose right part is cut again, those with the surest left digit."""
MOST_CUT = 50
"""Most symbols and right parts that are cut; symbols with the most ink come first."""
STEEPEST = 12
"""Largest slant of the rows, to either side, in degrees."""
ENOUGH = 500
"""Most digits used to measure the slant, those with the most ink."""
SAME_ROW = 0.5
"""Largest vertical distance between neighbors in a row, after the slant, as a fraction of the median height."""
PRINTED, MOSTLY = 3, 0.6
"""Least number and least fraction of digits of one height in a printed row."""
LEVEL = 0.06
"""Largest differences in height and place of printed digits, as a fraction of their height."""


@dataclass(frozen=True)
class Reading:
    """One digit of a picture.

    Parameters
    ----------
    box : tuple of (int, int, int, int)
        Left, top, right and bottom, in pixels of the upright picture; right and bottom are exclusive.
    prediction : Prediction
        Its `label` is None for a symbol that is not a digit.
    row : int
        Number of its row, from 1.
    """

    box: Box
    prediction: Prediction
    row: int = 1


def read(
    picture: PictureSource, classifier: Classifier | None = None, *, everything: bool = False
) -> tuple[Reading, ...]:
    """Find and classify the digits of a picture, row by row from the top, each row from the left.

    A wide symbol with a doubtful answer is cut if the model is sure that all parts are digits.

    Parameters
    ----------
    picture : array_like, str, Path, bytes, file object or PIL.Image.Image
        See `Classifier.classify`.
    classifier : Classifier, optional
        Default: the ready model.
    everything : bool, optional
        Return also the symbols that are not digits, and those with another size than most (`reason` is ``"size"``).

    Raises
    ------
    PictureError
        If the picture cannot be read or is too large.
    UsageError
        If it is not a picture, or the model is not for handwriting.
    BackendError
        If it is a file and Pillow is not installed.

    Examples
    --------
    >>> page = np.full((100, 200), 230, np.uint8)
    >>> page[20:80, 40:46] = page[22:82, 150:156] = 20
    >>> [(found.prediction.digit, found.box) for found in read(page)]
    [(1, (40, 20, 46, 80)), (1, (150, 22, 156, 82))]
    """
    if classifier is not None:
        check_finds(classifier)
    with usual_errors():
        found, others = find(picture)
    readings: list[Reading] = []
    if found:
        classifier = classifier or Classifier.load()
        predictions = classifier.classify_ink([symbol.ink for symbol in found])
        symbols = _cut(list(zip(found, predictions, strict=True)), classifier)
        readings = [Reading(symbol.box, prediction) for symbol, prediction in symbols]
    if everything:
        readings += [Reading(box, Prediction(None, reason="size")) for box in others]
    if not readings:
        return ()
    ordered = in_rows(readings[index] for index in reading_order([each.box for each in readings]))
    kept = [each for _, row in groupby(ordered, lambda each: each.row) for each in _without_signs(list(row))]
    return in_rows(each for each in kept if everything or each.prediction.label is not None)


def in_rows(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """Return readings with new row numbers. A row begins where a digit is left of, or below, the one before."""
    found: list[Reading] = []
    for each in readings:
        left, top, right, _ = each.box
        row = 1
        if found:
            before = found[-1].box
            row = found[-1].row + (left + right <= before[0] + before[2] or top >= before[3])
        found.append(replace(each, row=row))
    return tuple(found)


def _without_signs(row: list[Reading]) -> list[Reading]:
    """Remove the labels of signs between printed digits, which have one height and stand on a line.

    Brackets go below it, + and = are lower than digits, a degree sign is a raised 0. Other rows may be handwriting.
    """
    digits = [each for each in row if each.prediction.label is not None]
    left, top, right, bottom = np.array([each.box for each in digits], np.float64).reshape(-1, 4).T
    usual = float(np.median(bottom - top)) if digits else 1.0
    alike = np.abs((bottom - top) / usual - 1) <= LEVEL
    if alike.sum() < max(PRINTED, MOSTLY * len(digits)):
        return row
    middle = (left + right) / 2
    above, below = (
        sign * (side - np.polyval(np.polyfit(middle[alike], side[alike], 1), middle)) / usual
        for side, sign in ((top, -1), (bottom, 1))
    )
    if max(np.abs(above[alike]).max(), np.abs(below[alike]).max()) > LEVEL:
        return row
    labels = np.array([each.prediction.label for each in digits])
    is_bar = (labels == "1") & (np.abs(above - 0.06) < 0.12) & (np.abs(below - 0.2) < 0.11)  # measured with 70 fonts
    is_low = (above < -2 * LEVEL) & (below < -2 * LEVEL)
    is_ring = (labels == "0") & (below < -0.4)
    signs = [each for each, is_sign in zip(digits, is_bar | is_low | is_ring, strict=True) if is_sign]
    return [replace(each, prediction=each.prediction.without_label("size")) if each in signs else each for each in row]


ADVICE = {
    "read": "Use: mnist-runtime classify FILE",
    "watch": "Say where the digits are: --regions FILE, which this writes: mnist-runtime regions PICTURE",
    "regions": "Leave --model out, or write the boxes by hand; the page of the runtime shows how.",
    "POST /read": "Use: POST /classify",
}
"""Command or request that finds handwriting -> advice if the model is for other pictures."""


def check_finds(classifier: Classifier, command: str = "read") -> None:
    """Raise a `UsageError` if a model is not for handwriting, so that symbols cannot be found.

    Parameters
    ----------
    classifier : Classifier
        The model.
    command : str, optional
        The command that finds symbols, a key of `ADVICE`.
    """
    if classifier.task.preparation != "mnist":
        raise UsageError(
            f"{classifier.manifest.name} takes each picture as a whole, but `{command}` looks for handwriting in it. "
            f"{ADVICE[command]}"
        )


def reading_order(boxes: list[Box]) -> list[int]:
    """Return the indices of `boxes` row by row, each row from the left.

    The slant of the rows is the angle at which most boxes are level with others.
    """
    left, top, right, bottom = np.array(boxes, np.float64).T
    usual = float(np.median(bottom - top))
    rows, columns = (top + bottom) / 2, (left + right) / 2

    def levelness(angle: float) -> float:
        heights = rows[:ENOUGH] - np.tan(np.radians(angle)) * columns[:ENOUGH]
        distance = (heights[:, None] - heights[None, :]) / (0.25 * usual)
        with usual_errors():
            closeness = np.exp(-(distance**2))
        return float(closeness.sum()) - 0.01 * abs(angle)  # of equal angles, the smallest

    slant = max(np.arange(-STEEPEST, STEEPEST + 0.5), key=levelness)
    heights = rows - np.tan(np.radians(slant)) * columns
    order = np.argsort(heights)
    row_of = np.zeros(len(boxes), np.intp)
    row_of[order[1:]] = np.cumsum(np.diff(heights[order]) > SAME_ROW * usual)
    return [int(index) for index in np.lexsort((columns, row_of))]


def _cut(symbols: list[ClassifiedSymbol], classifier: Classifier) -> list[ClassifiedSymbol]:
    """Return the symbols; replace each that is several touching digits by its parts."""
    found: list[ClassifiedSymbol] = []
    budget = iter(range(MOST_CUT))
    for symbol, prediction in symbols:
        is_doubtful = prediction.label is None or prediction.confidence < DOUBTFUL
        parts = _parts(symbol, classifier, budget) if is_doubtful and symbol.aspect >= WIDE else []
        found += parts or [(symbol, prediction)]
    return found


def _parts(symbol: PageSymbol, classifier: Classifier, budget: Iterator[int]) -> list[ClassifiedSymbol]:
    """Return the digits that touch in a symbol, if the model is sure of all of them; otherwise an empty list."""
    parts = [] if next(budget, None) is None else symbol.cut()
    if not parts:
        return []
    answers = list(zip(parts, classifier.classify_ink([part.ink for part in parts]), strict=True))
    pairs = list(zip(answers[::2], answers[1::2], strict=True))
    best = max(pairs, key=lambda pair: min(map(_confidence, pair)))
    if min(map(_confidence, best)) >= SURE:
        return list(best)
    if symbol.aspect >= MANY:
        for first, (rest, _) in sorted(pairs, key=lambda pair: -_confidence(pair[0]))[:MOST_FIRST]:
            if _confidence(first) >= SURE and rest.aspect >= WIDE and (others := _parts(rest, classifier, budget)):
                return [first, *others]
    return []


def _confidence(answered: ClassifiedSymbol) -> float:
    """Return the confidence of an answer; 0 without a label."""
    prediction = answered[1]
    return 0.0 if prediction.label is None else prediction.confidence


class PageSymbol(NamedTuple):
    """A prepared symbol, and its left, top, right and bottom in pixels of the upright picture."""

    box: Box
    ink: Ink
    strokes: FloatImage

    @property
    def aspect(self) -> float:
        """Width divided by height."""
        left, top, right, bottom = self.box
        return (right - left) / (bottom - top)

    def cut(self) -> list[PageSymbol]:
        """Return a left and a right part for each way to cut the symbol, one after the other."""
        return [self._part(part) for parts in cuts(self.strokes) for part in parts]

    def _part(self, strokes: FloatImage) -> PageSymbol:
        rows, columns = bounding_box(strokes > 0)
        place = np.array([columns.start, rows.start, columns.stop, rows.stop]) / (2 * strokes.shape[::-1])
        corner, other = np.reshape(self.box, (2, 2))
        left, top, right, bottom = np.rint(np.tile(corner, 2) + place * np.tile(other - corner, 2)).astype(int).tolist()
        return PageSymbol((left, top, right, bottom), Ink.of(strokes), strokes[rows, columns])


ClassifiedSymbol = tuple[PageSymbol, Prediction]


def find(picture: PictureSource) -> tuple[list[PageSymbol], list[Box]]:
    """Return the symbols of a page with the size of a digit, those with the most ink first, and the boxes of others."""
    pixels = load_pixels(picture)
    check_picture(pixels)
    height, width = pixels.shape[:2]
    factor = -(-max(height, width) // LONGEST)
    page = photo_ink(grayscale(pixels, LONGEST), SMALLEST)
    if not page.symbols and (colors := color_axis(pixels, LONGEST)) is not None:
        page = photo_ink(colors, SMALLEST)
    bars = barcode_bars(page.symbols)
    typical = typical_height([symbol for symbol in page.symbols if symbol not in bars])
    found, others = [], []
    for symbol in page.symbols:
        top, left, bottom, right = (side * factor for side in symbol.box)
        box = (left, top, min(right, width), min(bottom, height))
        if LOWEST * typical <= symbol.height and symbol.size <= HIGHEST * typical and symbol not in bars:
            strokes = page.extract(symbol)
            found.append(PageSymbol(box, Ink.of(strokes), strokes))
        else:
            others.append(box)
    return found, others
