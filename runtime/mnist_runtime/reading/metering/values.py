"""`ValueReader`: read the values of regions from frames, check that they are plausible, keep the last good one."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.task import DIGITS
from mnist_runtime.classifier import Classifier
from mnist_runtime.errors import PictureError, UsageError
from mnist_runtime.prediction import Prediction
from mnist_runtime.preprocess.grayscale import grayscale
from mnist_runtime.preprocess.ink.photo import photo_ink
from mnist_runtime.preprocess.ink.symbols import main_symbol
from mnist_runtime.preprocess.prepare import LONGEST, SMALLEST
from mnist_runtime.reading.metering.regions import Region
from mnist_runtime.reading.video import Frame

__all__ = ["State", "Value", "ValueReader", "is_cut"]

State = Literal["good", "unreadable", "falls", "jumps"]
"""State of a value: accepted, with a digit that was not recognized, smaller than before, or changed too fast."""

HOUR = 3600.0
TURNING = 60.0
"""Seconds for which a wheel may be between two digits before its value counts as unreadable."""
SURE = 0.9
"""Least confidence of each digit of the first value: all others are compared with it."""
LIKELY = 0.7
"""The same of later values, for models of handwriting."""


@dataclass(frozen=True)
class Value:
    """The value of a region after a change.

    Parameters
    ----------
    name, unit : str
        From the region.
    seconds : float
        Time of the frame, as in `Frame`.
    number : float or None
        The last good value; None if there is none yet.
    text : str
        The digits of this frame, ``?`` for one that was not recognized.
    state : {"good", "unreadable", "falls", "jumps"}
        Result of the checks of this frame's digits. If it is not ``"good"``, `number` is older.
    predictions : tuple of Prediction
        The answer for each digit.
    """

    name: str
    unit: str
    seconds: float
    number: float | None
    text: str
    state: State
    predictions: tuple[Prediction, ...] = field(repr=False, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {"name": self.name, "value": self.number, "unit": self.unit, "digits": self.text, "state": self.state}


@dataclass
class _History:
    """Recent digits of one region, those last returned, and the last good value."""

    recent: deque[str]
    shown: tuple[str, State] | None = None
    good: int | None = None
    good_seconds: float = 0.0


class ValueReader:
    """Read the values of some regions, frame by frame.

    A value counts once `steady` of the last ``2 * steady - 1`` frames show the same digits. The first value must be in
    all of these, with a confidence of 0.9 or more for each digit, since all others are compared with it.

    A value is not accepted if a digit is not recognized or, for handwriting, cut by a side of its box, if it falls
    although it may not, or if it changes faster than the region allows. Then the last good value stays. If a wheel is
    between two digits, for models with a label such as N, the reader waits, at most a minute. A meter that passes its
    largest number starts again at 0. This is no fall if `most_per_hour` is known and allows the change.

    Parameters
    ----------
    regions : sequence of Region
        The regions.
    classifier : Classifier, optional
        Default: the ready model.
    steady : int, optional
        Number of frames that must agree.
    last_good : dict of str to float, optional
        Name of a region -> its value before the first frame.
    ages : dict of str to float, optional
        Name of a region -> seconds between that value and the first frame. Default: 0.

    Raises
    ------
    UsageError
        If `steady` is below 1.

    Examples
    --------
    >>> page = np.full((100, 200), 230, np.uint8)
    >>> page[20:80, 40:46] = page[22:82, 150:156] = 20
    >>> reader = ValueReader([Region("water", ((20, 10, 70, 90), (130, 10, 180, 90)), decimals=1)], steady=1)
    >>> [value] = reader.values(Frame(0.0, 0, page))
    >>> value.number, value.text, value.state
    (1.1, '11', 'good')
    """

    def __init__(
        self,
        regions: Sequence[Region],
        classifier: Classifier | None = None,
        *,
        steady: int = 3,
        last_good: dict[str, float] | None = None,
        ages: dict[str, float] | None = None,
    ) -> None:
        if steady < 1:
            raise UsageError(f"`steady` is {steady}, but at least one frame must agree. Give 1 or more.")
        self.regions = tuple(regions)
        self.steady = steady
        self._classifier = classifier or Classifier.load()
        self._history = {region.name: _History(deque(maxlen=2 * steady - 1)) for region in self.regions}
        for region in self.regions:
            if (number := (last_good or {}).get(region.name)) is not None:
                self._history[region.name].good = round(number * 10**region.decimals)
                self._history[region.name].good_seconds = -(ages or {}).get(region.name, 0.0)

    def values(self, frame: Frame) -> list[Value]:
        """Return the value of each region that changed, or whose state changed, with this frame.

        Raises
        ------
        PictureError
            If a region is outside of the frame.
        """
        found = (self._value(region, frame) for region in self.regions)
        return [value for value in found if value is not None]

    def cut_out(self, frame: Frame, region: Region) -> list[npt.NDArray[np.uint8]]:
        """Return the pixels of each digit of a region."""
        height, width = frame.pixels.shape[:2]
        for left, top, right, bottom in region.digits:
            if right > width or bottom > height:
                raise PictureError(
                    f"The digit {[left, top, right, bottom]} of {region.name} is outside of the picture, which is "
                    f"{width} pixels wide and {height} high. Correct the file of regions."
                )
        return [frame.pixels[top:bottom, left:right] for left, top, right, bottom in region.digits]

    def _value(self, region: Region, frame: Frame) -> Value | None:
        predictions = tuple(self._classifier.classify(digit) for digit in self.cut_out(frame, region))
        history = self._history[region.name]
        is_handwriting = self._classifier.task.preparation == "mnist"
        least = SURE if history.good is None else LIKELY if is_handwriting else 0.0
        text = "".join(_digit(prediction, least) for prediction in predictions)
        history.recent.append(text)
        is_first = history.shown is None or history.good is None
        if Counter(history.recent)[text] < (2 * self.steady - 1 if is_first else self.steady):
            return None
        if _is_turning(predictions) and history.good is not None and frame.seconds < history.good_seconds + TURNING:
            return None
        state = _state(text, region, history, frame.seconds)
        if state == "good" and history.shown != (text, state) and is_handwriting:
            cut = map(is_cut, self.cut_out(frame, region))
            text = "".join("?" if each else digit for digit, each in zip(text, cut, strict=True))
            state = _state(text, region, history, frame.seconds)
        if state == "good":
            history.good, history.good_seconds = int(text), frame.seconds
        if history.shown == (text, state):
            return None
        history.shown = (text, state)
        number = None if history.good is None else history.good / 10**region.decimals
        return Value(region.name, region.unit, frame.seconds, number, text, state, predictions)


def is_cut(digit: npt.NDArray[np.uint8]) -> bool:
    """Return whether the ink of a digit touches the left or right side; half an 8 is read as 3."""
    gray = grayscale(digit, LONGEST)
    symbols = photo_ink(gray, SMALLEST).symbols
    _, left, _, right = main_symbol(symbols, gray.shape).box if symbols else (0, 1, 0, 0)
    return left == 0 or right == gray.shape[1]


def _digit(prediction: Prediction, least: float) -> str:
    """Return the digit; ``?`` if there is none with this confidence, or another label, such as N between two digits."""
    label = prediction.label or ""
    return label if label in DIGITS.labels and prediction.confidence >= least else "?"


def _is_turning(predictions: Sequence[Prediction]) -> bool:
    """Return whether every digit was recognized, and one of them as another label, such as N."""
    labels = [prediction.label for prediction in predictions]
    return None not in labels and not set(labels) <= set(DIGITS.labels)


def _state(text: str, region: Region, history: _History, seconds: float) -> State:
    if "?" in text:
        return "unreadable"
    if history.good is None:
        return "good"
    change = int(text) - history.good
    if change < 0 and not region.may_fall:
        change += 10 ** len(text)  # the meter has passed its largest number
        if region.most_per_hour is None or _too_fast(change, region, history, seconds):
            return "falls"
    return "jumps" if _too_fast(change, region, history, seconds) else "good"


def _too_fast(change: int, region: Region, history: _History, seconds: float) -> bool:
    """Return whether the change, in units of the last digit, is too large; one unit is always allowed."""
    if region.most_per_hour is None:
        return False
    hours = max(seconds - history.good_seconds, 0.0) / HOUR
    return abs(change) > 1 + region.most_per_hour * hours * float(10**region.decimals)
