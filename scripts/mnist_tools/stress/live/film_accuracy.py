"""`read_films`: read films of the example's water meter with `mnist-runtime watch`, and compare with what it showed.

Each film is another meter on another day: turning wheels, changing light, reflections, mist, dirt, a hand in the way.
A published value is wrong if no frame of the second before shows it, within three quarters of the last digit.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mnist_runtime import Classifier
from mnist_runtime.reading.metering.regions import Region, load_regions
from mnist_runtime.reading.metering.values import ValueReader
from mnist_runtime.reading.video import frames
from mnist_tools.checkout import command, output_of
from mnist_tools.stress.live.film import film_meter, truth

__all__ = ["count_frames", "judge", "read_film", "read_films"]

RATE = 25.0
"""Frames per second to read, more than the films have, so that every frame is read."""
VOTES = 5
"""Number of frames in a vote. A value counts if most of them show it."""
NEAR = 0.75
"""Largest error of a right value, in units of the last digit: a turning wheel may be read as either digit."""
DIRT = (0.4, 0.65, 0.9, 1.15, 1.4)
"""Amounts of dirt, used in turn."""


def read_film(folder: Path, model: Path, *options: object) -> list[dict[str, Any]]:
    """Return the lines that ``mnist-runtime watch`` prints."""
    words = ("--regions", folder / "regions.toml", "--model", model, "--rate", RATE, *options)
    output = output_of(command("mnist-runtime watch --source", folder / "film.avi", *words))
    return [json.loads(line) for line in output.splitlines()]


def judge(region: Region, values: Sequence[float], lines: Sequence[dict[str, Any]]) -> Counter[str]:
    """Count the states of the printed values, and those values that are right or wrong.

    Parameters
    ----------
    region : Region
        The region that was read.
    values : sequence of float
        The true value in each frame.
    lines : sequence of dict
        What ``watch`` printed.
    """
    found: Counter[str] = Counter()
    for line in lines:
        for value in line["values"]:
            found[value["state"]] += 1
            if value["state"] == "good":
                recent = values[max(0, line["frame"] + 1 - VOTES) : line["frame"] + 1]
                distance = min(abs(number - value["value"]) for number in recent)
                found["right" if distance * 10**region.decimals <= NEAR else "wrong"] += 1
    return found


def count_frames(folder: Path, model: Path) -> Counter[str]:
    """Count the frames in which all wheels are read right, a wheel is read wrong, or a wheel gets no answer.

    Single wheels are counted too, as ``wheel right`` and so on.
    """
    (region,) = load_regions(folder / "regions.toml")
    shown = [labels for _, labels in truth(folder)]
    found: Counter[str] = Counter()
    with Classifier.load(model) as classifier:
        reader = ValueReader([region], classifier)
        for frame in frames(folder / "film.avi", RATE):
            labels = [classifier.classify(pixels).label for pixels in reader.cut_out(frame, region)]
            kinds = [
                "none" if label is None else "right" if label in right else "wrong"
                for label, right in zip(labels, shown[frame.number], strict=True)
            ]
            found[next(kind for kind in ("wrong", "none", "right") if kind in kinds)] += 1
            found.update(f"wheel {kind}" for kind in kinds)
    return found


def read_films(model: Path, seeds: Sequence[int], count: int, *, with_start: bool = True) -> dict[str, dict[str, int]]:
    """Film a meter for each seed, read it, print a line, and return the sums: of frames and wheels, and of values.

    Parameters
    ----------
    model : Path
        An exported file of examples/meter.
    seeds : sequence of int
        The meters.
    count : int
        Frames of each film.
    with_start : bool
        Whether ``watch`` gets the first value as an option, as a person would do at the installation.
    """
    totals: Counter[str] = Counter()
    published: Counter[str] = Counter()
    for seed in seeds:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            film_meter(folder, seed, count, DIRT[seed % len(DIRT)])
            (region,) = load_regions(folder / "regions.toml")
            counts = count_frames(folder, model)
            true = [value for value, _ in truth(folder)]
            start = ("--start", f"{region.name}={true[0]:.3f}") if with_start else ()
            values = judge(region, true, read_film(folder, model, *start))
        print(f"film {seed}: {_summary(counts)}; {_values(values)}", flush=True)
        totals.update(counts)
        published.update(values)
    print(f"all: {_summary(totals)}; {_values(published)}", flush=True)
    return {"frames": dict(totals), "values": dict(published)}


def _summary(totals: Counter[str]) -> str:
    count = totals["right"] + totals["wrong"] + totals["none"]
    wheels = sum(totals[f"wheel {kind}"] for kind in ("right", "wrong", "none"))
    return (
        f"{totals['right'] / count:.1%} of {count:,} frames right, {totals['wrong'] / count:.1%} with a wrong wheel; "
        f"{totals['wheel right'] / wheels:.2%} of the wheels right, {totals['wheel wrong'] / wheels:.2%} wrong"
    )


def _values(found: Counter[str]) -> str:
    rejected = ", ".join(f"{found[state]} {state}" for state in ("unreadable", "falls", "jumps"))
    return f"{found['good']:,} values published, {found['wrong']} wrong; {rejected}"
