"""`measure_latency`: how fast, how soon and in how much memory each installed interpreter answers."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from mnist_runtime import BACKENDS

__all__ = ["Latency", "measure_latency"]

PROBE = """
import json, re, resource, sys, time
from pathlib import Path
from mnist_runtime import Classifier
from mnist_runtime.backends.registry import backend_version
path, backend = sys.argv[1:]
classifier = Classifier.load(path, backend=backend)
images = classifier.golden.images
classifier.scores(images[:1])
print("first answer", flush=True)
def once(image):
    started = time.perf_counter()
    classifier.scores(image)
    return time.perf_counter() - started
for turn in range(100):
    once(images[turn % len(images)][None])
times, end = [], time.perf_counter() + 0.5
while len(times) < 200 or (len(times) < 2000 and time.perf_counter() < end):
    times.append(once(images[len(times) % len(images)][None]))
times.sort()
status = Path("/proc/self/status")
if status.exists():  # Linux counts in ru_maxrss what the parent held when it started this process
    peak = int(re.search(r"VmHWM:\\s*(\\d+) kB", status.read_text())[1]) * 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({
    "version": backend_version(backend),
    "p50_us": times[len(times) // 2] * 1e6,
    "p95_us": times[len(times) * 95 // 100] * 1e6,
    "peak_memory_bytes": peak,
}))
"""
"""Runs in a process of its own, which imports what a device imports: two TFLite interpreters cannot share one.

It is started with -P, so that no module of the folder where the command runs is imported in the place of another.
"""

TIME_LIMIT = 120
"""Seconds; a file that takes longer is not for a small device."""


@dataclass(frozen=True)
class Latency:
    """What one interpreter took on this machine, on one thread.

    Parameters
    ----------
    interpreter, version : str
        Row of `mnist_runtime.BACKENDS`, and what is installed.
    p50_us, p95_us : float
        Microseconds for one image in hand, median and 95th percentile of up to 2,000.
    cold_start_s : float
        Seconds from the start of a Python process to its first answer.
    peak_memory_bytes : int
        Largest resident size of that process.
    """

    interpreter: str
    version: str
    p50_us: float
    p95_us: float
    cold_start_s: float
    peak_memory_bytes: int


def measure_latency(path: Path, format: str) -> tuple[Latency, ...]:
    """Run the file at `path` through every installed interpreter for `format`; those that fail are left out."""
    installed = [
        name for name, row in BACKENDS.items() if row.format == format and importlib.util.find_spec(row.module)
    ]
    return tuple(found for name in installed if (found := _measure(path, name)))


def _measure(path: Path, backend: str) -> Latency | None:
    started = time.perf_counter()
    command = [sys.executable, "-P", "-c", PROBE, str(path), backend]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        cold_start = time.perf_counter() - started
        try:
            rest, _ = process.communicate(timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            return None
    if not first or process.returncode != 0:
        return None
    return Latency(interpreter=backend, cold_start_s=cold_start, **json.loads(rest))
