"""``mnist-runtime watch``: a line of JSON whenever a camera or video shows other digits."""

from __future__ import annotations

import argparse
import contextlib
import json
import select
import sys
from collections.abc import Iterator

from mnist_runtime.cli.load import load_classifier
from mnist_runtime.cli.metering import check_value_options, watch_values
from mnist_runtime.cli.options import doubtful_pictures
from mnist_runtime.reading.answers import reading_facts
from mnist_runtime.reading.video import Frame, frames
from mnist_runtime.reading.watch import lasting_frames, watch
from mnist_runtime.system.command import collect_often

__all__ = ["watch_command"]


def watch_command(arguments: argparse.Namespace) -> int:
    """Print a line per observation, or per change of a value, until the video ends or stdout is closed."""
    check_value_options(arguments)
    classifier = load_classifier(arguments, "watch", finds=arguments.regions is None)
    doubtful = doubtful_pictures(arguments, go_on=True)
    collect_often()
    if arguments.regions is not None:
        with contextlib.closing(lasting_frames(arguments.source, arguments.rate)) as pictures:
            watch_values(arguments, classifier, _while_read(pictures), doubtful)
        return 0
    with contextlib.closing(frames(arguments.source, arguments.rate)) as pictures:
        for seen in watch(_while_read(pictures), classifier, steady=arguments.steady):
            if doubtful is not None:
                doubtful.keep_readings(seen.pixels, seen.readings)
            facts = {"seconds": round(seen.seconds, 3), "frame": seen.frame}
            print(json.dumps({**facts, "readings": [reading_facts(found) for found in seen.readings]}), flush=True)
    return 0


def _while_read(pictures: Iterator[Frame]) -> Iterator[Frame]:
    """Yield `pictures` while stdout has a reader; without this check the end is only noticed at the next line."""
    if not hasattr(select, "poll"):  # Windows
        yield from pictures
        return
    stdout = select.poll()
    stdout.register(sys.stdout, 0)  # 0: only errors and hang-up
    for picture in pictures:
        if stdout.poll(0):
            raise BrokenPipeError
        yield picture
