"""``mnist-runtime watch``: a line of JSON whenever a camera or a video shows other digits."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import sys
from collections.abc import Iterator

from mnist_runtime.classifier import Classifier
from mnist_runtime.cli.output import reading_facts
from mnist_runtime.reading.video import Frame, frames
from mnist_runtime.reading.watch import watch

__all__ = ["watch_command"]

QUIET = {"OPENCV_LOG_LEVEL": "OFF", "OPENCV_FFMPEG_LOGLEVEL": "-8"}
"""What OpenCV and FFmpeg would write to stderr of damage and of absent cameras; our own sentence says it."""


def watch_command(arguments: argparse.Namespace) -> int:
    """Print a line for each sighting until the video ends, or whoever reads the lines leaves."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    classifier = Classifier.load(arguments.model, backend=arguments.backend)
    with contextlib.closing(frames(arguments.source, arguments.rate)) as pictures:
        for seen in watch(_while_heard(pictures), classifier, steady=arguments.steady):
            facts = {"seconds": round(seen.seconds, 3), "frame": seen.frame}
            print(json.dumps({**facts, "readings": [reading_facts(found) for found in seen.readings]}), flush=True)
    return 0


def _while_heard(pictures: Iterator[Frame]) -> Iterator[Frame]:
    """Pass `pictures` on while stdout has a reader; one that left would else be noticed at the next line, if ever."""
    if not hasattr(select, "poll"):  # Windows
        yield from pictures
        return
    stdout = select.poll()
    stdout.register(sys.stdout, 0)  # its end is told without being asked for
    for picture in pictures:
        if stdout.poll(0):
            raise BrokenPipeError
        yield picture
