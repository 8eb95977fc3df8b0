"""``mnist-runtime watch``: digits of a camera or video, or values of meters; ``regions``: where these are."""

from __future__ import annotations

import argparse
import contextlib
import json
import select
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from mnist_runtime.cli.options import doubtful_pictures, load_classifier, pixels_of
from mnist_runtime.cli.pictures import check_annotate, write_annotated
from mnist_runtime.errors import DOCUMENTATION, PictureError, UsageError
from mnist_runtime.reading.answers import reading_facts
from mnist_runtime.reading.metering.csv_file import CsvFile
from mnist_runtime.reading.metering.regions import (
    MOST_DIGITS,
    Region,
    load_regions,
    propose_regions,
    regions_as_toml,
)
from mnist_runtime.reading.metering.values import Value, ValueReader, is_cut
from mnist_runtime.reading.page import Reading, read
from mnist_runtime.reading.video import Frame, frames
from mnist_runtime.reading.watch import lasting_frames, watch
from mnist_runtime.system.command import collect_often, echo

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from mnist_runtime.classifier import Classifier
    from mnist_runtime.reading.doubtful import DoubtfulPictures

__all__ = ["regions_command", "watch_command", "watch_values"]


def watch_command(arguments: argparse.Namespace) -> int:
    """Print a line per observation, or per change of a value, until the video ends or stdout is closed."""
    _check_value_options(arguments)
    classifier = load_classifier(arguments, "watch", finds=arguments.regions is None)
    doubtful = doubtful_pictures(arguments, go_on=True)
    collect_often()
    if arguments.regions is not None:
        with contextlib.closing(lasting_frames(arguments.source, arguments.rate)) as pictures:
            watch_values(arguments, classifier, _until_closed(pictures), doubtful)
        return 0
    with contextlib.closing(frames(arguments.source, arguments.rate)) as pictures:
        for observed in watch(_until_closed(pictures), classifier, steady=arguments.steady):
            if doubtful is not None:
                doubtful.keep_readings(observed.pixels, observed.readings)
            facts = {"seconds": round(observed.seconds, 3), "frame": observed.frame}
            readings = [reading_facts(found, classifier.task) for found in observed.readings]
            print(json.dumps({**facts, "readings": readings}), flush=True)
    return 0


def regions_command(arguments: argparse.Namespace) -> int:
    """Print the regions of a picture as TOML, and mark them in a copy."""
    if arguments.annotate is not None:
        check_annotate(arguments.annotate, [arguments.file])
    classifier = load_classifier(arguments, "images", finds=True)
    pixels = pixels_of(arguments.file)
    found = read(pixels, classifier)
    rows = [list(row) for _, row in groupby(found, lambda one: one.row)]
    for row in rows:
        if len(row) > MOST_DIGITS:
            echo(f"note: Row {row[0].row} has {len(row)} digits; a value has at most {MOST_DIGITS}. Write two values.")
    regions = propose_regions(rows, pixels)
    if not regions:
        raise PictureError(
            f"{arguments.file} shows no usable digits. Write the boxes by hand: see {DOCUMENTATION}/how-to/meter.md"
        )
    print(regions_as_toml(regions), end="")
    usable = [row for row in rows if len(row) <= MOST_DIGITS]
    for region, row in zip(regions, usable, strict=True):
        _check_boxes(region, row, pixels, classifier)
    if arguments.annotate is not None:
        boxes = [box for region in regions for box in region.digits]
        readings = [reading for row in usable for reading in row]
        marked = [replace(reading, box=box) for reading, box in zip(readings, boxes, strict=True)]
        write_annotated(arguments.annotate, pixels, marked)
    return 0


def _check_boxes(region: Region, row: Sequence[Reading], pixels: npt.NDArray[np.uint8], classifier: Classifier) -> None:
    """Print a note for each digit whose box gives another answer than the picture, and if a row shows only 1."""
    if all(reading.prediction.label == "1" for reading in row):
        echo(
            f"note: {region.name} shows only ones, so the width of other digits is a guess. "
            "Take a picture with wide digits, such as 0 or 8."
        )
    pictures = ValueReader([region], classifier).cut_out(Frame(0.0, 0, pixels), region)
    for place, (picture, reading) in enumerate(zip(pictures, row, strict=True)):
        label = None if is_cut(picture) else classifier.classify(picture).label
        if label != reading.prediction.label:
            echo(
                f"note: {region.name}: digit {place + 1} is {reading.prediction.label}, but its box "
                f"{list(region.digits[place])} gives {label or 'none'}. Correct the box by hand; --annotate marks it."
            )


def _check_value_options(arguments: argparse.Namespace) -> None:
    """Raise a `UsageError` if an option of values is given without ``--regions``."""
    given = {
        "--start": arguments.start,
        "--csv": arguments.csv,
        "--mqtt": arguments.mqtt,
        "--mqtt-credentials": arguments.mqtt_credentials,
    }
    if arguments.regions is None and (names := [name for name, value in given.items() if value is not None]):
        raise UsageError(f"{names[0]} needs --regions FILE. Write one with: mnist-runtime regions PICTURE")
    if arguments.mqtt is None and arguments.mqtt_credentials is not None:
        raise UsageError("--mqtt-credentials needs --mqtt URL.")


def watch_values(
    arguments: argparse.Namespace,
    classifier: Classifier,
    pictures: Iterator[Frame],
    doubtful: DoubtfulPictures | None,
) -> None:
    """Print, store and publish the values of the regions whenever one changes."""
    regions = load_regions(arguments.regions)
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(contextlib.closing(CsvFile(arguments.csv))) if arguments.csv else None
        broker = None
        if arguments.mqtt:
            from mnist_runtime.reading.metering.mqtt import MqttPublisher

            broker = stack.enter_context(MqttPublisher(arguments.mqtt, regions, credentials=arguments.mqtt_credentials))
        last_good, ages = _values_before(arguments, regions, file)
        reader = ValueReader(regions, classifier, steady=arguments.steady, last_good=last_good, ages=ages)
        for frame in pictures:
            values = reader.values(frame)
            if not values:
                continue
            if file:
                file.append(values)
            if broker:
                broker.publish(values)
            if doubtful is not None:
                _keep(doubtful, reader, frame, values)
            facts = {"seconds": round(frame.seconds, 3), "frame": frame.number}
            print(json.dumps({**facts, "values": [value.as_dict() for value in values]}), flush=True)


def _values_before(
    arguments: argparse.Namespace, regions: Sequence[Region], file: CsvFile | None
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the values before the first frame, and their ages, from ``--start`` or the file of ``--csv``."""
    names, given = [region.name for region in regions], dict(arguments.start or ())
    if unknown := next((name for name in given if name not in names), None):
        raise UsageError(f"--start: {arguments.regions} has no value {unknown!r}. It has: {', '.join(names)}.")
    last_good = {**(file.last_good() if file else {}), **given}
    ages = {name: age for name, age in (file.ages() if file else {}).items() if name not in given}
    if new := [name for name in names if name not in last_good]:
        echo(
            f"note: The first value of {', '.join(new)} is taken as it is read, and all others are compared with it. "
            f"To be sure, give it: --start '{new[0]}=VALUE'"
        )
    return last_good, ages


def _keep(doubtful: DoubtfulPictures, reader: ValueReader, frame: Frame, values: list[Value]) -> None:
    """Keep the digits that are doubtful, and all digits of a value that the checks reject."""
    regions = {region.name: region for region in reader.regions}
    for value in values:
        pictures = reader.cut_out(frame, regions[value.name])
        for pixels, prediction in zip(pictures, value.predictions, strict=True):
            doubtful.keep(pixels, prediction, in_any_case=value.state in ("falls", "jumps"))


def _until_closed(pictures: Iterator[Frame]) -> Iterator[Frame]:
    """Yield `pictures` until stdout is closed, which Python would notice only at the next line."""
    if not hasattr(select, "poll"):  # Windows
        yield from pictures
        return
    stdout = select.poll()
    stdout.register(sys.stdout, 0)  # 0: only errors and hang-up
    for picture in pictures:
        if stdout.poll(0):
            raise BrokenPipeError
        yield picture
