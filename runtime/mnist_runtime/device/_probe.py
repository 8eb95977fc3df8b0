"""The program that `bench` runs for each interpreter: measure one file and print JSON.

Each interpreter needs its own process: two TFLite interpreters cannot share one, and peak memory is that of a process.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mnist_runtime.backends.registry import backend_version
from mnist_runtime.classifier import Classifier

FIRST_ANSWER = "first answer"
"""The line printed after the first image; the caller measures the cold start with it."""

WARM_UP = 0.3
"""Seconds of warm-up, which do not count, per second of measurement."""


def windows_of(call: Callable[[], object], count: int, seconds: float) -> list[list[float]]:
    """Measure calls in `count` windows of about `seconds`, at least one call each; return their times in seconds."""
    end = time.perf_counter() + WARM_UP * count * seconds
    while True:
        call()
        if time.perf_counter() >= end:
            break
    windows: list[list[float]] = []
    for _ in range(count):
        times: list[float] = []
        end = time.perf_counter() + seconds
        before = time.perf_counter()
        while not times or before < end:
            call()
            after = time.perf_counter()
            times.append(after - before)
            before = after
        windows.append(times)
    return windows


def main(model: str, backend: str, plan: str) -> None:
    """Print `FIRST_ANSWER`, then the figures as JSON.

    Parameters
    ----------
    model : str
        The file; empty for the ready model.
    backend : str
        A key of `mnist_runtime.BACKENDS`.
    plan : str
        The fields of `mnist_runtime.device.measure.Plan`, as JSON.
    """
    wanted: dict[str, Any] = json.loads(plan)
    started = time.perf_counter()
    classifier = Classifier.load(model or None, backend=backend)
    load_s = time.perf_counter() - started
    images = classifier.golden.images
    classifier.scores(images[:1])
    print(FIRST_ANSWER, flush=True)
    if not wanted["windows"]:
        return
    index = 0

    def one_image() -> None:
        nonlocal index
        index = (index + 1) % len(images)
        classifier.scores(images[index : index + 1])

    figures: dict[str, Any] = {
        "version": backend_version(backend),
        "load_s": load_s,
        "one_image": windows_of(one_image, wanted["windows"], wanted["window_s"]),
    }
    classifier.close()
    figures["peak_memory_bytes"] = peak_memory_bytes()
    figures["batches"] = []
    for threads in wanted["threads"]:
        with Classifier.load(model or None, backend=backend, threads=threads) as many:
            for size in wanted["batches"]:
                batch = np.resize(images, (size, *images.shape[1:]))
                windows = windows_of(lambda: many.scores(batch), wanted["windows"], wanted["window_s"])  # noqa: B023
                figures["batches"].append({"threads": threads, "batch": size, "windows": windows})
    print(json.dumps(figures))


def peak_memory_bytes() -> int:
    """Return the largest resident size of this process so far."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux, ru_maxrss includes what the parent process held when it started this one
        found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text())
        if found:
            return int(found[1]) * 1024
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main(*sys.argv[1:])
