"""Compute the charts in evaluation.html: bars of wrong answers and of calibration, drawn as SVG by the templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mnist_trainer.evaluation.evaluate import BINS, Evaluation

__all__ = ["Bar", "BarGroup", "bar_group", "calibration_bars"]


class Bar(NamedTuple):
    """One bar: name, label, and its value and confidence interval as fractions of the longest bar, 0..1."""

    name: str
    text: str
    value: float
    low: float
    high: float


class BarGroup(NamedTuple):
    """A chart: bars that have a common scale."""

    title: str
    bars: tuple[Bar, ...]


def bar_group(title: str, wrong: Sequence[tuple[str, float, tuple[float, float]]]) -> BarGroup:
    """Make the chart of the fractions of wrong answers.

    Parameters
    ----------
    title : str
        Title of the chart.
    wrong : sequence of (str, float, (float, float))
        For each model: its name, its fraction of wrong answers, and the confidence interval of that fraction.

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
    """Return, for each confidence bin with images: its middle, the accuracy in it, and its number of images."""
    confidence = found.scores.max(axis=1)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    right = np.bincount(bins, found.right, minlength=BINS)
    return [
        ((number + 0.5) / BINS, float(right[number] / counts[number]), int(counts[number]))
        for number in np.flatnonzero(counts).tolist()
    ]
