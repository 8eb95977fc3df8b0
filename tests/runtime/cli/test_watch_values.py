"""What `watch` does with the values of meters: it compares, stores, publishes and keeps them."""

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.runtime.conftest import Digits

from mnist_runtime import Classifier
from mnist_runtime.cli.watch import watch_values
from mnist_runtime.reading.doubtful import DoubtfulPictures
from mnist_runtime.reading.metering.regions import Region, regions_as_toml
from mnist_runtime.reading.video import Frame

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="files of regions need Python 3.11")
WATER = Region("water", ((0, 0, 28, 28), (28, 0, 56, 28)), most_per_hour=5.0)


def watched(folder: Path, legible: Digits, texts: Sequence[str], **options: object) -> None:
    """Watch a meter that shows these numbers, one a frame."""
    pictures = [np.hstack([legible.images[2 * int(digit)] for digit in text]) for text in texts]
    (folder / "meter.toml").write_text(regions_as_toml([WATER]), encoding="utf-8")
    given = {"csv": None, "start": None, "mqtt": None, "mqtt_credentials": None, "steady": 1, **options}
    arguments = argparse.Namespace(regions=folder / "meter.toml", **given)
    found = (Frame(1.23456 + number, number, pixels) for number, pixels in enumerate(pictures))
    doubtful = DoubtfulPictures(folder / "doubtful", below=0.01)
    watch_values(arguments, Classifier.load(backend="numpy"), found, doubtful)


@pytest.mark.parametrize(
    ("start", "text", "state"),
    [(None, "14", "good"), ([("water", 10.0)], "14", "jumps"), (None, "17", "jumps"), (None, "09", "falls")],
)
def test_a_value_is_compared_with_the_last_one_of_the_file_or_of_start(
    tmp_path: Path, legible: Digits, capsys: pytest.CaptureFixture[str], start: object, text: str, state: str
) -> None:
    """After one hour, 5 more are possible; the value of ``--start`` is that of now."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))
    (tmp_path / "meter.csv").write_text(f"time,name,value,unit,digits,state\n{moment},water,10.0,,10,good\n")
    watched(tmp_path, legible, [text, text], csv=tmp_path / "meter.csv", start=start)
    stdout, stderr = capsys.readouterr()
    (line,) = map(json.loads, stdout.splitlines())
    assert (line["seconds"], line["values"][0]["state"], stderr) == (1.235, state, "")
    kept = len(list((tmp_path / "doubtful").iterdir()))
    assert kept == (0 if state == "good" else 2), "digits of a value that the checks reject"


def test_each_value_is_published(tmp_path: Path, legible: Digits, monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[float | None] = []
    opened: list[object] = []

    class Publisher(contextlib.AbstractContextManager[Any]):
        def __init__(self, url: str, regions: Sequence[Region], *, credentials: Path | None) -> None:
            opened.extend([url, regions[0].name, credentials])

        def __exit__(self, *_: object) -> None:
            opened.append("closed")

        def publish(self, values: Sequence[Any]) -> None:
            published.extend(value.number for value in values)

    monkeypatch.setattr("mnist_runtime.reading.metering.mqtt.MqttPublisher", Publisher)
    watched(tmp_path, legible, ["10", "10", "11"], mqtt="mqtt://broker", mqtt_credentials=tmp_path / "secret")
    assert published == [10, 11]
    assert opened == ["mqtt://broker", "water", tmp_path / "secret", "closed"]
