"""Do in the example what a person does at a real meter: sort doubtful pictures, look whether the values are right.

    python examples/meter/person.py sort DOUBTFUL DAY SORTED
    python examples/meter/person.py compare DAY [DAY ...]
    python examples/meter/person.py start DAY

DAY is a folder that film.py has written. ``sort`` looks up what each doubtful picture shows, and moves a copy into
``SORTED/train/LABEL`` or, one of four, ``SORTED/test/LABEL``. ``compare`` compares ``DAY/*.jsonl`` with what the wheels
showed, and ``start`` prints the first value. At your own meter, use ``mnist-runtime label DOUBTFUL``, and your eyes.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

NEAR = 0.00075
"""Three quarters of a litre: the last wheel turns all the time."""


def sort(doubtful: Path, day: Path, out: Path) -> None:
    """Copy each picture of `doubtful` into the folder of the label that the film had there."""
    boxes = [
        list(map(int, box)) for box in re.findall(r"\[(\d+), (\d+), (\d+), (\d+)\]", (day / "regions.toml").read_text())
    ]
    shown: dict[bytes, str] = {}
    film = cv2.VideoCapture(str(day / "film.avi"))
    with (day / "truth.csv").open(newline="", encoding="utf-8") as file:
        for _, _, *labels in list(csv.reader(file))[1:]:
            frame = film.read()[1][..., ::-1]
            for (left, top, right, bottom), label in zip(boxes, labels, strict=True):
                shown[frame[top:bottom, left:right].tobytes()] = label
    count = 0
    for path in sorted(doubtful.glob("*.png")):
        label = shown.get(np.asarray(Image.open(path)).tobytes(), "")
        if len(label) == 1:  # people would disagree on the others
            folder = out / ("test" if count % 4 == 3 else "train") / label
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / path.name)
            count += 1
    print(f"{count} pictures sorted into {out}")


def values(day: Path) -> list[float]:
    """Return what the meter shows in each frame."""
    with (day / "truth.csv").open(newline="", encoding="utf-8") as file:
        return [float(row["value"]) for row in csv.DictReader(file)]


def compare(day: Path) -> None:
    """Print how many values that ``watch`` printed were wrong: shown by no frame of the second before."""
    true = values(day)
    for path in sorted(day.glob("*.jsonl")):
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        seen = [(line["frame"], value) for line in lines for value in line["values"]]
        good = [(frame, value["value"]) for frame, value in seen if value["state"] == "good"]
        wrong = sum(
            min(abs(each - value) for each in true[max(frame - 4, 0) : frame + 1]) > NEAR for frame, value in good
        )
        litres = (true[-1] - true[0]) * 1000
        print(f"{path}: {len(good)} values of {litres:.0f} litres, {wrong} wrong; {len(seen) - len(good)} rejected")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    actions = parser.add_subparsers(dest="action", required=True)
    sorting = actions.add_parser("sort", help="sort the doubtful pictures of a day")
    for name in ("doubtful", "day", "sorted"):
        sorting.add_argument(name, type=Path)
    actions.add_parser("start", help="print the first value").add_argument("day", type=Path)
    actions.add_parser("compare", help="compare values with the film").add_argument("days", type=Path, nargs="+")
    arguments = parser.parse_args()
    if arguments.action == "sort":
        sort(arguments.doubtful, arguments.day, arguments.sorted)
    elif arguments.action == "start":
        print(values(arguments.day)[0])
    else:
        for each in arguments.days:
            compare(each)
