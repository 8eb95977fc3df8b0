"""Measure one interpreter with one file and print JSON: ``python -P -m mnist_exporters.reports._probe FILE BACKEND``.

It runs in its own process and imports only what a device imports: two TFLite interpreters cannot share a process.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from pathlib import Path

from mnist_runtime import Classifier
from mnist_runtime.backends.registry import backend_version

FIRST_ANSWER = "first answer"
"""The line printed when the first image is classified. The caller measures the cold start with it."""

WARM_UP, LEAST_RUNS, MOST_RUNS = 100, 200, 2000
SECONDS = 0.5
"""Seconds of measurement; it takes longer if there are not yet `LEAST_RUNS`."""


def main(path: str, backend: str) -> None:
    """Print `FIRST_ANSWER`, then the figures as JSON."""
    classifier = Classifier.load(path, backend=backend)
    images = classifier.golden.images
    classifier.scores(images[:1])
    print(FIRST_ANSWER, flush=True)

    def seconds(turn: int) -> float:
        image = images[turn % len(images)][None]
        started = time.perf_counter()
        classifier.scores(image)
        return time.perf_counter() - started

    for turn in range(WARM_UP):
        seconds(turn)
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    while len(times) < LEAST_RUNS or (len(times) < MOST_RUNS and time.perf_counter() < end):
        times.append(seconds(len(times)))
    times.sort()
    figures = {
        "version": backend_version(backend),
        "p50_us": times[len(times) // 2] * 1e6,
        "p95_us": times[len(times) * 95 // 100] * 1e6,
        "peak_memory_bytes": peak_memory_bytes(),
    }
    print(json.dumps(figures))


def peak_memory_bytes() -> int:
    """Return the largest resident size of this process so far."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux, ru_maxrss includes what the parent process held when it started this one
        found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text())
        if found:
            return int(found[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main(*sys.argv[1:])
