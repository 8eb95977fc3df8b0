"""`memory_growth`: how much the memory of `watch` grows over a day's worth of frames."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from mnist_runtime import Classifier, DoubtfulPictures
from mnist_runtime.cli.watch import watch_values
from mnist_runtime.reading.video import Frame, frames
from mnist_tools.memory import STEPS, growth, resident_bytes
from mnist_tools.stress.live.broker import Broker
from mnist_tools.stress.live.film import Film

__all__ = ["memory_growth"]


def memory_growth(film: Film, model: Path, folder: Path, count: int) -> int:
    """Read `count` frames, the film again and again, with CSV, MQTT and doubtful pictures.

    Returns
    -------
    int
        The growth of this process, in bytes.
    """
    memory: list[int] = []

    def again() -> Iterator[Frame]:
        number = 0
        while True:
            for frame in frames(film.folder / "film.avi", 25.0):
                yield Frame(number / film.rate, number, frame.pixels)
                number += 1
                if number % max(count // STEPS, 1) == 0:
                    memory.append(resident_bytes())
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
    return growth(memory)
