"""Let `mnist-runtime watch` read a meter while broker, camera, disk and clock fail; compare what it says. Linux only.

A film of examples/meter is played by a device in real time. A mosquitto is killed, the camera unplugged, the space for
files taken away, the time of day set. Right is: the process lives, the values on stdout, in the CSV file and at the
broker are the same, and each was shown by the meter within the seconds before.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import resource
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mnist_runtime.system.atomic import atomic_write
from mnist_tools.checkout import ROOT, ToolError, command, environment
from mnist_tools.stress.live.broker import Broker, wait_for
from mnist_tools.stress.live.camera import Camera
from mnist_tools.stress.live.clock import Clock
from mnist_tools.stress.live.film import Film, make_film
from mnist_tools.stress.live.film_accuracy import read_films
from mnist_tools.stress.live.memory import memory_growth
from mnist_tools.stress.live.page import page

__all__ = ["Findings", "main", "problems", "run"]

RESULTS = ROOT / "docs" / "results" / "data" / "meter.json"
PAGE = ROOT / "docs" / "results" / "meter.md"
PARTS = ("films", "quiet", "faults", "memory")
SEED, LONG = 2, 3000
"""The meter that is filmed for all parts but the films, and the frames of its film, ten minutes."""
PAUSE = (0.5, 3.0)
"""Shortest and longest time between two faults, in seconds."""
MOST_GROWTH = 2 << 20
"""Largest growth of the memory, in bytes."""
TOPIC = "meter"
LATE = 10.0
"""Largest delay of a value in seconds, caused by votes over five frames, a busy machine and buffers of FFmpeg."""
JUMPS = (86_400, -86_400, 400 * 86_400, -1_700_000_000, 3600, -3600)
"""Seconds by which the time of day is wrong, in turn: a day, a year, 1972, an hour."""
FAULTS = ("broker", "camera", "disk", "clock")


@dataclass
class Findings:
    """Everything that `watch` wrote: lines on stdout, the CSV file and MQTT messages.

    Parameters
    ----------
    printed : list of (float, dict)
        Time and value of each line on stdout.
    heard : list of (float, dict)
        Time and value of each message at the broker.
    written : list of tuple of str
        Value, digits and state of each line of the CSV file.
    faults : dict of str to int
        How often each fault happened.
    code : int
        Exit code after SIGTERM.
    words : str
        What it wrote to stderr.
    """

    printed: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    heard: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    written: list[tuple[str, str, str]] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)
    code: int = 0
    words: str = ""


@dataclass(frozen=True)
class _Devices:
    """The simulated devices that can fail: broker, camera, disk and clock."""

    broker: Broker
    camera: Camera
    clock: Clock
    table: Path


def run(folder: Path, film: Film, model: Path, times: dict[str, int], pause: tuple[float, float]) -> Findings:
    """Watch the film until each fault has happened as often as `times` says.

    Parameters
    ----------
    folder : Path
        For the files.
    film : Film
        What the camera shows, from the start on and again from there.
    model : Path
        The file to read it with.
    times : dict of str to int
        Number of times for each of `FAULTS`.
    pause : tuple of (float, float)
        Shortest and longest time between two faults, in seconds.
    """
    found = Findings(faults=dict.fromkeys(FAULTS, 0))
    broker, clock = Broker(folder, TOPIC), Clock(folder)
    film.begin()
    camera = Camera(folder / "camera", film.now, film.rate)
    broker.start()
    camera.plug_in()
    table = folder / "meter.csv"
    devices = _Devices(broker, camera, clock, table)
    words = command("mnist-runtime watch --source", camera.path, "--regions", film.folder / "regions.toml")
    words += ["--model", str(model), "--start", f"water={film.values[0]:.3f}", "--csv", str(table)]
    words += ["--mqtt", f"mqtt://127.0.0.1:{broker.port}/{TOPIC}", "--keep-doubtful", str(folder / "doubtful")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(words, env=environment(**clock.environment), **pipes)  # type: ignore[call-overload]
    messages: list[str] = []
    reading = [
        threading.Thread(target=_listen, args=(process.stdout, found.printed)),
        threading.Thread(target=lambda: messages.extend(process.stderr)),
    ]
    for each in reading:
        each.start()
    try:
        wait_for(lambda: found.printed or process.poll() is not None, 120)
        rng = random.Random(0)
        order = [fault for fault in FAULTS for _ in range(times[fault])]
        rng.shuffle(order)
        for fault in order:
            if process.poll() is not None:
                break
            time.sleep(rng.uniform(*pause))
            _let_fail(fault, found.faults[fault], devices, process.pid, rng)
            found.faults[fault] += 1
        time.sleep(pause[1])
        if process.poll() is None:
            wait_for(lambda: [value for _, value in broker.heard][-1:] == [found.printed[-1][1]], 90)
    except ToolError as error:
        messages.append(str(error))
    finally:
        process.terminate()
        found.code = process.wait(60)
        for each in reading:
            each.join(10)
        camera.unplug()
        broker.kill()
    found.heard, found.words = broker.heard, "".join(messages)
    with table.open(newline="", encoding="utf-8") as file:
        found.written = [(row["value"], row["digits"], row["state"]) for row in csv.DictReader(file)]
    return found


def _listen(stream: Any, printed: list[tuple[float, dict[str, Any]]]) -> None:
    for line in stream:
        printed.extend((time.monotonic(), value) for value in json.loads(line)["values"])


def _let_fail(fault: str, number: int, devices: _Devices, process: int, rng: random.Random) -> None:
    broker, camera = devices.broker, devices.camera
    if fault == "broker":
        broker.kill()
        time.sleep(rng.uniform(0, 3))
        broker.start()
    elif fault == "camera":
        camera.unplug()
        time.sleep(rng.uniform(0, 2))
        camera.plug_in()
    elif fault == "disk":
        no_more = devices.table.stat().st_size + rng.randrange(20)  # the next line is cut off
        resource.prlimit(process, resource.RLIMIT_FSIZE, (no_more, resource.RLIM_INFINITY))
        time.sleep(rng.uniform(3, 10))
        resource.prlimit(process, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    else:
        devices.clock.jump(JUMPS[number % len(JUMPS)])


def problems(found: Findings, film: Film) -> list[str]:
    """Return a sentence for each problem; an empty list if everything is right."""
    printed = [value for _, value in found.printed]
    heard = [value for _, value in found.heard]
    wrong = [
        value["value"]
        for moment, value in found.printed
        if value["state"] == "good" and not film.has_shown(value["value"], moment, LATE)
    ]
    rows = [(repr(value["value"]), value["digits"], value["state"]) for value in printed]
    checks = {
        f"The exit code is {found.code}.": found.code in (0, 143, -15),
        "There is a traceback.": "Traceback" not in found.words,
        "No value was printed.": bool(printed),
        f"Values were never shown: {wrong[:5]}": not wrong,
        "The CSV file has other values.": found.written == rows,
        "Messages are missing at the broker, or in another order.": _is_within(printed, heard),
        "The broker got values that were not printed.": all(value in printed for value in heard),
        "The last message is not the last value.": heard[-1:] == printed[-1:],
    }
    return [problem for problem, is_right in checks.items() if not is_right]


def _is_within(expected: Sequence[Any], received: Sequence[Any]) -> bool:
    """Return whether `expected` is a subsequence of `received`, which may contain more, such as repeated messages."""
    rest = iter(received)
    return all(any(one == other for other in rest) for one in expected)


def delays(found: Findings, film: Film) -> list[float]:
    """Return the delays in seconds, from the first moment at which the wheels clearly show a value to its message."""
    return [
        moment - shown
        for moment, value in found.heard
        if value["state"] == "good" and (shown := film.first_shown(value["value"], moment)) is not None
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures of each part; return 1 if something is wrong."""
    parser = argparse.ArgumentParser(prog="scripts/tool stress meter", description=__doc__)
    parser.add_argument("model", type=Path, help="an exported file of examples/meter, such as meter/tuned.tflite")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this; may be repeated")
    parser.add_argument("--films", type=int, default=10, help="films of five minutes each (default: 10)")
    parser.add_argument("--times", type=int, default=20, help="how often each fault happens (default: 20)")
    parser.add_argument("--quiet", type=float, default=60, help="seconds without faults, for the delay (default: 60)")
    parser.add_argument("--frames", type=int, default=432_000, help="frames for the memory (default: 432,000, a day)")
    parser.add_argument("--write", action="store_true", help="write meter.md and data/meter.json in docs/results")
    arguments = parser.parse_args(argv)
    if not arguments.model.is_file():
        raise ToolError(f"There is no file {arguments.model}. Make one with: examples/meter/loop.sh meter")
    facts: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        film = make_film(Path(name) / "film", SEED, LONG)
        for part in arguments.part or PARTS:
            folder = Path(name) / part
            folder.mkdir()
            facts[part] = _measure(part, film, folder, arguments)
            print(f"{part}: {facts[part]}", flush=True)
    if arguments.write:
        write(facts)
    return int(any(found["problems"] for found in facts.values()))


def write(facts: dict[str, Any]) -> None:
    """Write the figures of some parts, and the page; those of the others stay."""
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    known |= facts
    with atomic_write(RESULTS) as path:
        path.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    with atomic_write(PAGE) as path:
        path.write_text(page(known), encoding="utf-8")


def _measure(part: str, film: Film, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    model = arguments.model
    if part == "films":
        facts: dict[str, Any] = read_films(model, range(1, arguments.films + 1), 1500)
        return {**facts, "problems": ["Wrong values were published."] if facts["values"].get("wrong") else []}
    if part == "memory":
        grown = memory_growth(film, model, folder, arguments.frames)
        bad = ["The memory grows."] if grown > MOST_GROWTH else []
        return {"frames": arguments.frames, "grown_bytes": grown, "problems": bad}
    quiet = arguments.quiet
    times, pause = (0, (quiet, quiet)) if part == "quiet" else (arguments.times, PAUSE)
    found = run(folder, film, model, dict.fromkeys(FAULTS, times), pause)
    bad = problems(found, film)
    if bad:
        print(found.words)
    return {**_facts(found, film), "problems": bad}


def _facts(found: Findings, film: Film) -> dict[str, Any]:
    waits = sorted(delays(found, film)) or [0.0]
    return {
        "faults": found.faults,
        "values": len(found.printed),
        "messages": len(found.heard),
        "median_delay_seconds": round(statistics.median(waits), 2),
        "longest_delay_seconds": round(waits[-1], 2),
    }
