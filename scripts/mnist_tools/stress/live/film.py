"""Film the example's meter, and play such a film in real time, with the value in each frame."""

from __future__ import annotations

import csv
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mnist_runtime.reading.video import frames
from mnist_tools.checkout import ROOT, environment
from mnist_tools.stress.live.camera import Pixels

__all__ = ["Film", "film_meter", "make_film", "truth"]

PROGRAM = ROOT / "examples" / "meter" / "film.py"
RATE = 5.0
"""Frames a second of the films."""
NEAR = 0.00075
"""Largest difference between a value and the meter: three quarters of the last digit, whose wheel always turns."""


@dataclass
class Film:
    """A film of a meter.

    Parameters
    ----------
    folder : Path
        What ``examples/meter/film.py`` wrote.
    pixels : list of ndarray of shape (h, w, 3), dtype uint8
        Its frames.
    values : list of float
        The value in each frame.
    certain : list of bool
        Whether the frame is unambiguous: no wheel is between two digits.
    """

    folder: Path
    pixels: list[Pixels]
    values: list[float]
    certain: list[bool]
    rate: float = RATE
    _began: float = field(default=0.0, repr=False)

    def begin(self) -> None:
        """Start at the first frame, now."""
        self._began = time.monotonic()

    def index(self, moment: float) -> int:
        """Return the number of the frame at a time of the monotonic clock; the last one stays."""
        return min(max(int((moment - self._began) * self.rate), 0), len(self.pixels) - 1)

    def now(self) -> Pixels:
        """Return the frame of this moment."""
        return self.pixels[self.index(time.monotonic())]

    def has_shown(self, value: float, moment: float, seconds: float) -> bool:
        """Return whether the meter showed `value` in the `seconds` before `moment`."""
        recent_values = self.values[self.index(moment - seconds) : self.index(moment) + 1]
        return min(abs(each - value) for each in recent_values) <= NEAR

    def first_shown(self, value: float, moment: float) -> float | None:
        """Return since when the wheels showed `value`; None if they already did in the first frame."""
        last = self.index(moment)
        showing = [n for n in range(last + 1) if abs(self.values[n] - value) < 0.0003 and self.certain[n]]
        return self._began + showing[0] / self.rate if showing and showing[0] else None


def film_meter(folder: Path, seed: int, count: int, dirt: float, day: int = 0) -> None:
    """Film a meter for `count` frames; write the film, its regions and ``truth.csv`` into `folder`."""
    words = [sys.executable, str(PROGRAM), str(folder), "--seed", str(seed), "--frames", str(count)]
    subprocess.run([*words, "--dirt", str(dirt), "--day", str(day)], check=True, env=environment())


def truth(folder: Path) -> Iterator[tuple[float, list[str]]]:
    """Yield the value in each frame, and the labels that are right for each wheel."""
    with (folder / "truth.csv").open(newline="", encoding="utf-8") as file:
        for _, value, *labels in list(csv.reader(file))[1:]:
            yield float(value), labels


def make_film(folder: Path, seed: int, count: int) -> Film:
    """Film a meter for `count` frames, to be played."""
    film_meter(folder, seed, count, 1.2, day=3)
    rows = list(truth(folder))
    pixels = [frame.pixels for frame in frames(folder / "film.avi", 25.0)]
    certain = [all(label.isdecimal() and len(label) == 1 for label in labels) for _, labels in rows]
    return Film(folder, pixels, [value for value, _ in rows], certain)
