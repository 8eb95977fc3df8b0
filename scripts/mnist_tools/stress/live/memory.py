"""`growth`: how much the memory of `watch` grows over a day's worth of frames."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

from mnist_runtime import Classifier, DoubtfulPictures
from mnist_runtime.cli.watch import watch_values
from mnist_runtime.reading.video import Frame, frames
from mnist_tools.stress.live.broker import Broker
from mnist_tools.stress.live.film import Film

__all__ = ["growth"]

STEPS = 100
"""Memory is read after each step. The first ten are the warm-up."""


def growth(film: Film, model: Path, folder: Path, count: int) -> int:
    """Read `count` frames, the film again and again, with CSV, MQTT and doubtful pictures; return the growth in bytes.

    Compares the median memory of this process after the last ten of a hundred steps with that after the second ten.
    """
    memory: list[int] = []

    def again() -> Iterator[Frame]:
        number = 0
        while True:
            for frame in frames(film.folder / "film.avi", 25.0):
                yield Frame(number / film.rate, number, frame.pixels)
                number += 1
                if number % max(count // STEPS, 1) == 0:
                    memory.append(_resident())
                if number >= count:
                    return

    broker = Broker(folder, "memory", keeps=False)
    broker.start()
    given = argparse.Namespace(
        regions=film.folder / "regions.toml",
        steady=3,
        start=[("water", round(film.values[0], 3))],
        csv=folder / "memory.csv",
        mqtt=f"mqtt://127.0.0.1:{broker.port}/memory",
        mqtt_credentials=None,
    )
    doubtful = DoubtfulPictures(folder / "memory-doubtful", go_on=True)
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        Classifier.load(model) as classifier,
    ):
        watch_values(given, classifier, again(), doubtful)
    broker.kill()
    return round(statistics.median(memory[-10:]) - statistics.median(memory[10:20]))


def _resident() -> int:
    """Return the resident memory of this process, in bytes."""
    found = re.search(r"VmRSS:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024
