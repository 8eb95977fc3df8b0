"""`size_and_speed`: positions for the first chart of a report, size against latency, which a template draws as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mnist_exporters.reports.candidate import Candidate
from mnist_exporters.reports.comparison import Comparison

__all__ = ["LOSSES", "SHAPES", "Chart", "Mark", "size_and_speed"]

WIDTH, HEIGHT = 400.0, 320.0
"""Size of the view box. It is as wide as a phone screen, so that the text is readable there."""
LEFT, RIGHT, TOP, BOTTOM = 54.0, 388.0, 14.0, 276.0
"""Edges of the plot area."""
SPREAD = 1.5
"""Factor by which a logarithmic axis extends beyond its smallest and largest value."""
LETTER, LINE = 6.1, 12.0
"""Width of a letter and height of a line in the labels."""
MOST_LABELLED = 14
"""Maximum number of files whose names are written beside their marks."""

LOSSES = ((0.0, "none"), (0.1, "up to 0.1"), (0.3, "up to 0.3"), (math.inf, "more"))
"""Color classes: upper limit in percentage points of lost accuracy, and name."""
SHAPES = (
    "M-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0-11 0z",
    "M-5-5h10v10h-10z",
    "M0-6.5l6.2 11.5h-12.4z",
    "M0-7l6 7-6 7-6-7z",
    "M-2-6h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
)
"""SVG paths of the marks, one for each interpreter: circle, square, triangle, diamond, cross."""


class Mark(NamedTuple):
    """One file on one interpreter."""

    x: float
    y: float
    shape: str
    color: int
    is_best: bool
    title: str


class Label(NamedTuple):
    """The name of a file, which is written beside its lowest mark."""

    x: float
    y: float
    anchor: str
    text: str
    is_best: bool


class Tick(NamedTuple):
    """A tick of an axis: position and number."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """Positions of everything that the template draws.

    Parameters
    ----------
    marks : list of Mark
        One mark for each file and interpreter whose speed was measured.
    stems : list of (float, float, float)
        Lines that join the marks of a file: x, and both ends in y.
    labels : list of Label
        Names of the files.
    x_ticks, y_ticks : list of Tick
        Numbers at the axes.
    shapes : dict of str to str
        Interpreter -> SVG path of its marks.
    unmeasured : list of str
        Proven files whose speed was not measured.
    """

    marks: list[Mark]
    stems: list[tuple[float, float, float]]
    labels: list[Label]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    shapes: dict[str, str]
    unmeasured: list[str]


def size_and_speed(comparison: Comparison) -> Chart:
    """Return the chart of all proven files by size and median latency, with one mark for each interpreter."""
    measured = [(row, row.on_device if comparison.device else row.latencies) for row in comparison.candidates]
    measured = [(row, found) for row, found in measured if row.report.path and found]
    names = dict.fromkeys(one.interpreter for _, found in measured for one in found)
    shapes = {name: SHAPES[number % len(SHAPES)] for number, name in enumerate(names)}
    known = [id(row) for row, _ in measured]
    unmeasured = [row.file for row in comparison.candidates if row.report.path and id(row) not in known]
    if not measured:
        return Chart([], [], [], [], [], {}, unmeasured)
    sizes = [row.report.size_bytes / 1000 for row, _ in measured]
    times = [one.p50_us for _, found in measured for one in found]
    across, up = _axis(sizes, LEFT, RIGHT), _axis(times, BOTTOM, TOP)
    marks, stems, places = [], [], []
    for row, found in measured:
        x = across(row.report.size_bytes / 1000)
        heights = [up(one.p50_us) for one in found]
        stems.append((x, min(heights), max(heights)))
        places.append((x, max(heights), row))
        for one, y in zip(found, heights, strict=True):
            is_best = row is comparison.recommended and y == max(heights)
            title = f"{row.name}, {one.interpreter}: {row.report.size_bytes / 1000:.1f} kB, {one.p50_us:.0f} µs"
            marks.append(Mark(x, y, shapes[one.interpreter], color_of(row), is_best, title))
    labels = _labels(places, marks, comparison.recommended) if len(places) <= MOST_LABELLED else []
    return Chart(marks, stems, labels, _ticks(sizes, across), _ticks(times, up), shapes, unmeasured)


def color_of(row: Candidate) -> int:
    """Return the color class for a file's accuracy loss, an index of `LOSSES`."""
    lost = round(row.report.parity.drop * 100, 4)
    return next(number for number, (end, _) in enumerate(LOSSES) if lost <= end)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return min(values) / SPREAD, max(values) * SPREAD


def _axis(values: Sequence[float], first: float, last: float) -> Callable[[float], float]:
    """Return a function from a value to its position on a logarithmic axis between `first` and `last`."""
    low, high = map(math.log, _ends(values))
    return lambda value: first + (last - first) * (math.log(value) - low) / (high - low)


def _ticks(values: Sequence[float], place: Callable[[float], float]) -> list[Tick]:
    """Return at most six ticks at round numbers, as many in each decade as have room."""
    low, high = _ends(values)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8), (1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        found = [step * 10.0**decade for decade in decades for step in steps]
        inside = [value for value in found if low <= value <= high]
        if len(inside) <= 6:
            break
    return [Tick(place(value), f"{value:,.0f}" if value >= 1000 else f"{value:g}") for value in inside]


def _labels(places: list[tuple[float, float, Candidate]], marks: list[Mark], best: Candidate | None) -> list[Label]:
    """Place each name where it covers the fewest marks and other names. The recommended file is placed first."""
    occupied = [(mark.x - 6, mark.y - 6, mark.x + 6, mark.y + 6) for mark in marks]
    labels = []
    for x, y, row in sorted(places, key=lambda place: place[2] is not best):
        width = LETTER * len(row.name)
        gap = 13 if row is best else 9  # the recommended file has a ring around its mark
        options = [
            (x + gap, y + 4, "start"),
            (x - gap, y + 4, "end"),
            (x, y + 18, "middle"),
            (x, y - 10, "middle"),
            (x + 7, y + 17, "start"),
            (x - 7, y + 17, "end"),
            (x + 7, y - 9, "start"),
            (x - 7, y - 9, "end"),
            (x, y + 31, "middle"),
        ]
        boxes = [(_box(*option, width), option) for option in options]
        inside = [one for one in boxes if one[0][0] >= LEFT and one[0][2] <= WIDTH and one[0][3] <= BOTTOM] or boxes
        box, (at, line, anchor) = min(inside, key=lambda one: sum(_overlap(one[0], other) for other in occupied))
        occupied.append(box)
        labels.append(Label(at, line, anchor, row.name, row is best))
    return labels


Box = tuple[float, float, float, float]


def _box(x: float, y: float, anchor: str, width: float) -> Box:
    left = {"start": x, "end": x - width, "middle": x - width / 2}[anchor]
    return left, y - LINE + 2, left + width, y + 3


def _overlap(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width * height if width > 0 and height > 0 else 0.0
