"""Measure what `mnist_runtime` costs beyond the interpreters that it calls.

Each file is measured in a process of its own, because two TFLite interpreters cannot share one. In it, the runtime and
the bare interpreter take turns, so that other load on the machine affects both alike, and the median counts. Long calls
on one thread are measured in CPU time of the thread.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime import BACKENDS, Classifier
from mnist_runtime.backends.registry import backend_version, unsupported_reason
from mnist_tools.bench.bare_interpreter import load
from mnist_tools.checkout import ROOT, command, environment, output_of, tool

__all__ = ["FIGURES", "goal", "line", "main", "meets", "page", "take_turns", "times", "verdicts"]

PICTURE = ROOT / "examples" / "seven.png"

IMAGES = 10_000
SIZES = (1, 8, 16, 40, 80, 125, 250, 1000, IMAGES)
"""Batch sizes for the bare interpreter. `IMAGES` is divisible by each of them."""
PRECISIONS = " ".join(f"--quantize {name}" for name in ("none", "float16", "dynamic", "int8", "int4", "int16x8"))
SINGLES, TURNS = 20, 150
"""Number of single images per turn, and of turns."""
ROUNDS = 5
STARTS = 9
TIME_LIMIT = 15
"""Seconds after which no new turn begins."""

FIGURES = {"one_image": "one image", "batch": "batch", "threads": "2 threads", "cold_start": "cold start"}
GOALS = f"""\
* one image: at most 1.05 times the bare interpreter, or 1.1 times if that takes less than 30 µs;
* batch: {IMAGES:,} images take at most 1.1 times the best bare loop;
* 2 threads: at least 1.7 times as many images a second as one thread;
* cold start: `mnist-runtime classify` takes at most 1.2 times the shortest program that classifies a picture;
* NumPy: at most 10 times LiteRT, for one image and for a batch."""

Row = dict[str, Any]
Images = npt.NDArray[np.uint8]


def goal(row: Row, figure: str) -> float:
    """Return the goal for the ratio of one of `FIGURES`."""
    if row["backend"] == "numpy" and figure in ("one_image", "batch"):
        return 10
    if figure == "one_image":
        return 1.1 if row["one_image"]["bare_us"] < 30 else 1.05
    return {"batch": 1.1, "threads": 1.7, "cold_start": 1.2}[figure]


def meets(row: Row, figure: str) -> bool:
    """Return whether a figure reaches its goal."""
    ratio, bound = round(row[figure]["ratio"], 2), goal(row, figure)
    return bool(ratio >= bound if figure == "threads" else ratio <= bound)


def take_turns(
    contestants: Mapping[str, tuple[Callable[[Any], object], Sequence[Any]]],
    turns: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Return the median time of one call of each contestant, in seconds.

    Parameters
    ----------
    contestants : dict
        Name -> a function, and its arguments. In each turn, the function is called once with each argument.
    turns : int
        Number of measured turns. One more turn comes first, as a warm-up.
    clock : callable
        Returns the time in seconds.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    end = time.monotonic() + TIME_LIMIT
    for turn in range(turns + 1):
        if turn > 1 and time.monotonic() > end:
            break
        for name, (call, arguments) in contestants.items():
            for argument in arguments:
                started = clock()
                call(argument)
                took = clock() - started
                if turn > 0:
                    seconds[name].append(took)
    return {name: statistics.median(each) for name, each in seconds.items()}


def compared(ours: float, bare: float, unit: str) -> Row:
    """Return two figures and their ratio."""
    return {f"ours_{unit}": ours, f"bare_{unit}": bare, "ratio": ours / bare}


def times(path: str, backend: str) -> Row:
    """Return the times of one file in one interpreter, without the cold start."""
    classifier, two = (Classifier.load(path, backend=backend, threads=threads) for threads in (1, 2))
    images = np.resize(classifier.golden.images, (IMAGES, 28, 28))
    singles = [images[index : index + 1] for index in range(SINGLES)]
    contestants = {
        "bare": (load(backend, path), [single[..., None] for single in singles]),
        "ours": (classifier.predict_proba, singles),
    }
    one = take_turns(contestants, TURNS)
    size, loop = best_loop(path, backend, images)
    ours = (classifier.predict_proba, [images])
    many = take_turns({"bare": (loop, [images]), "ours": ours}, ROUNDS, time.thread_time)
    wall = take_turns({"one": ours, "two": (two.predict_proba, [images])}, ROUNDS)
    return {
        "one_image": compared(one["ours"] * 1e6, one["bare"] * 1e6, "us"),
        "batch": {"bare_size": size, **compared(many["ours"] / IMAGES * 1e6, many["bare"] / IMAGES * 1e6, "us")},
        "threads": {
            "one_images_s": IMAGES / wall["one"],
            "two_images_s": IMAGES / wall["two"],
            "ratio": wall["one"] / wall["two"],
        },
    }


def loop_of(path: str, backend: str, size: int) -> Callable[[Images], object]:
    """Return a function that runs images through the bare interpreter in batches of `size`."""
    run = load(backend, path, size)
    return lambda images: [run(images[start : start + size, :, :, None]) for start in range(0, len(images), size)]


def best_loop(path: str, backend: str, images: Images) -> tuple[int, Callable[[Images], object]]:
    """Return the batch size at which the bare interpreter is fastest, and the loop with that size."""
    loops = {size: loop_of(path, backend, size) for size in SIZES}
    some = {size: images[: max(size, 2000)] for size in SIZES}
    seconds = take_turns({str(size): (loops[size], [some[size]]) for size in SIZES}, 3, time.thread_time)
    best = min(SIZES, key=lambda size: seconds[str(size)] / len(some[size]))
    return best, loops[best]


def peak_memory(path: str, backend: str, size: str) -> float:
    """Classify `IMAGES` images and return the peak memory of this process, in MB.

    Parameters
    ----------
    path, backend : str
        File and backend.
    size : str
        Batch size of the bare loop; ``"0"`` for the runtime.
    """
    images = np.zeros((IMAGES, 28, 28), np.uint8)
    if size == "0":
        Classifier.load(path, backend=backend).predict_proba(images)
    else:
        loop_of(path, backend, int(size))(images)
    peak = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert peak is not None
    return int(peak[1]) / 1000


TASKS: dict[str, Callable[..., object]] = {"times": times, "peak_memory": peak_memory}


def in_a_process(task: str, *arguments: str) -> Any:
    """Run one of `TASKS` in a process of its own and return its result."""
    return json.loads(output_of(tool("bench runtime --task", task, *arguments)))


def cold_start(path: str, backend: str) -> Row:
    """Return the time of a process that classifies one picture, in seconds."""
    bare = [sys.executable, str(Path(__file__).with_name("bare_interpreter.py")), backend, path, str(PICTURE)]
    ours = command("mnist-runtime classify --backend", backend, "--model", path, PICTURE)
    # Compiled modules are kept on disk, as pip leaves them.
    compiled = {name: value for name, value in environment().items() if name != "PYTHONDONTWRITEBYTECODE"}

    def run(words: list[str]) -> None:
        output_of(words, env=compiled)

    seconds = take_turns({"bare": (run, [bare]), "ours": (run, [ours])}, STARTS)
    return compared(seconds["ours"], seconds["bare"], "s")


def row_of(model: str, path: Path, backend: str, precision: str) -> Row:
    """Return all figures of one file in one interpreter."""
    found = in_a_process("times", str(path), backend)
    sizes = ("0", str(found["batch"]["bare_size"]))
    ours, bare = (in_a_process("peak_memory", str(path), backend, size) for size in sizes)
    return {
        "model": model,
        "precision": precision,
        "backend": backend,
        "version": backend_version(backend),
        **found,
        "cold_start": cold_start(str(path), backend),
        "memory": compared(ours, bare, "mb"),
    }


def rows_of(model: str) -> list[Row]:
    """Export a ready model in every precision and measure each file in each interpreter that works here."""
    with tempfile.TemporaryDirectory() as folder:
        options = f"--model {model} --data digits --format all {PRECISIONS} --json --output"
        exported = json.loads(output_of(command(f"mnist-export {options}", folder)))["artifacts"]
        rows = []
        for artifact in exported:
            for name, row in BACKENDS.items():
                if row.runs((artifact["format"],), artifact["precision"]) and unsupported_reason(name) is None:
                    print(f"{Path(artifact['path']).name} in {name} ...", file=sys.stderr, flush=True)
                    rows.append(row_of(model, Path(artifact["path"]), name, artifact["precision"]))
    return rows


def line(row: Row) -> str:
    """Return one line of the table. A figure that misses its goal is marked with a cross."""
    one, batch, threads, start, memory = (row[key] for key in (*FIGURES, "memory"))
    marks = {figure: "" if meets(row, figure) else " ✗" for figure in FIGURES}
    cells = (
        f"`{row['model']}` {row['precision']}",
        row["backend"],
        f"{one['ours_us']:.1f}",
        f"{one['ratio']:.2f}{marks['one_image']}",
        f"{batch['ours_us']:.1f}",
        f"{batch['ratio']:.2f}{marks['batch']}",
        str(batch["bare_size"]),
        f"{threads['two_images_s']:,.0f}",
        f"{threads['ratio']:.2f}{marks['threads']}",
        f"{start['ours_s']:.2f}",
        f"{start['ratio']:.2f}{marks['cold_start']}",
        f"{memory['ours_mb']:.0f}",
        f"{memory['ratio']:.2f}",
    )
    return f"| {' | '.join(cells)} |"


def table(rows: Sequence[Row]) -> str:
    """Return the figures as a Markdown table."""
    heads = ["file", "interpreter", "one image, µs", "ratio", "of a batch, µs", "ratio", "bare batch"]
    heads += ["images/s, 2 threads", "ratio", "cold start, s", "ratio", "peak MB", "ratio"]
    return "\n".join([f"| {' | '.join(heads)} |", "|---|---|" + "--:|" * (len(heads) - 2), *map(line, rows)])


def verdicts(rows: Sequence[Row]) -> str:
    """Return how many rows reach each goal."""
    met = {title: sum(meets(row, figure) for row in rows) for figure, title in FIGURES.items()}
    return "; ".join(f"{title}: {count} of {len(rows)}" for title, count in met.items())


def page(found: Row) -> str:
    """Return the text of docs/results/speed.md."""
    versions = ", ".join(dict.fromkeys(f"{row['backend']} {row['version']}" for row in found["rows"]))
    sizes = ", ".join(f"{size:,}" for size in SIZES)
    return f"""\
# Speed of the runtime

What `mnist_runtime` costs beyond the interpreter that it calls. `scripts/tool bench runtime --write` measures it and
writes this page and [speed.json](data/speed.json). Machine: {found["machine"]}, Python {found["python"]}; {versions}.

* *one image*: median time of `predict_proba` for one image in memory. The ratio is to setting the input, running the
  interpreter and reading its output.
* *of a batch*: time for each of {IMAGES:,} images in one call. The ratio is to a loop over the bare interpreter with
  its fastest batch size out of {sizes}. Both are CPU times of one thread.
* *2 threads*: speed with `threads=2`. The ratio is to one thread, on {found["cores"]} cores.
* *cold start*: time of a whole `mnist-runtime classify` process for one picture. The ratio is to the shortest program
  that imports NumPy, Pillow and the interpreter and classifies a picture
  (`scripts/mnist_tools/bench/bare_interpreter.py`).
* *peak*: peak memory of the process for a batch. The ratio is to the bare loop.

The NumPy backend is compared with LiteRT. The runtime and the bare interpreter take turns in one process, so that other
load affects both; all figures are medians. ✗ marks a figure that misses its goal:

{GOALS}

{table(found["rows"])}

Goals reached: {verdicts(found["rows"])}.
"""


def machine() -> str:
    """Return the name of the processor and the number of cores."""
    info = Path("/proc/cpuinfo")
    name = re.search(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else None
    return f"{name[1] if name else platform.machine()}, {os.cpu_count()} cores"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, then print the table; with ``--write``, write the page too."""
    parser = argparse.ArgumentParser(prog="scripts/tool bench runtime", description=__doc__)
    parser.add_argument("models", nargs="*", default=["cnn"], metavar="MODEL", help="ready models (default: cnn)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--write", action="store_true", help="write speed.md and data/speed.json in docs/results")
    parser.add_argument("--task", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.task:
        task, *words = arguments.task
        print(json.dumps(TASKS[task](*words)))
        return 0
    rows = [row for model in arguments.models for row in rows_of(model)]
    found = {"machine": machine(), "cores": os.cpu_count(), "python": platform.python_version(), "rows": rows}
    if arguments.write:
        results = ROOT / "docs" / "results"
        (results / "data" / "speed.json").write_text(json.dumps(found, indent=1) + "\n")
        (results / "speed.md").write_text(page(found))
    print(json.dumps(found) if arguments.json else f"{table(rows)}\n\nGoals reached: {verdicts(rows)}\n{GOALS}")
    return 0
