"""Numbers of the drawings in evaluation.html: bars of wrong answers and bars of calibration, for SVG templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mnist_trainer.evaluation.evaluate import BINS, Evaluation

__all__ = ["Bar", "BarGroup", "bar_group", "calibration_bars"]


class Bar(NamedTuple):
    """One bar: its name, and its value with the ends of its interval as fractions of the longest, 0..1."""

    name: str
    text: str
    value: float
    low: float
    high: float


class BarGroup(NamedTuple):
    """Bars with a common scale."""

    title: str
    bars: tuple[Bar, ...]


def bar_group(title: str, wrong: Sequence[tuple[str, float, tuple[float, float]]]) -> BarGroup:
    """Return the bars of fractions of wrong answers.

    Parameters
    ----------
    title : str
        What they show.
    wrong : sequence of (str, float, (float, float))
        Name of a model, its fraction of wrong answers and the interval of it.

    Examples
    --------
    >>> bar_group("wrong answers", [("cnn", 0.01, (0.008, 0.02))]).bars
    (Bar(name='cnn', text='1.00 % wrong', value=0.5, low=0.4, high=1.0),)
    """
    longest = max((high for _, _, (_, high) in wrong), default=0.0) or 1.0
    bars = (
        Bar(name, f"{value * 100:.2f} % wrong", value / longest, low / longest, high / longest)
        for name, value, (low, high) in wrong
    )
    return BarGroup(title, tuple(bars))


def calibration_bars(found: Evaluation) -> list[tuple[float, float, int]]:
    """Return the bins of confidence that have images: their middle, the accuracy in them and the number of images."""
    confidence = found.scores.max(axis=1)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    right = np.bincount(bins, found.right, minlength=BINS)
    return [
        ((number + 0.5) / BINS, float(right[number] / counts[number]), int(counts[number]))
        for number in np.flatnonzero(counts).tolist()
    ]
