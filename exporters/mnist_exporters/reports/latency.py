"""`measure_latency`: time and memory that each installed interpreter takes for a file."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from mnist_exporters.spec.format import format_of
from mnist_runtime.backends.registry import BACKENDS
from mnist_runtime.errors import ArtifactError

__all__ = ["Latency", "measure_latency"]

TIME_LIMIT = 120
"""Seconds after which a measurement is stopped; such a slow file does not suit a small device."""


@dataclass(frozen=True)
class Latency:
    """Time and memory of one interpreter on this machine, on one thread.

    Parameters
    ----------
    interpreter : str
        A key of `mnist_runtime.BACKENDS`.
    version : str
        Its installed version.
    p50_us, p95_us : float
        Microseconds for one decoded image, median and 95th percentile of up to 2,000.
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


def measure_latency(path: str | Path) -> tuple[Latency, ...]:
    """Measure an exported file with each installed interpreter of its format. Interpreters that fail are left out.

    Raises
    ------
    UsageError
        If the suffix of `path` is unknown.
    ArtifactError
        If there is no file at `path`.

    Examples
    --------
    >>> from importlib import resources
    >>> path = str(resources.files("mnist_runtime") / "models" / "cnn-int8.onnx")
    >>> [found.interpreter for found in measure_latency(path)]
    ['onnxruntime']
    """
    format = format_of(Path(path))
    if not Path(path).is_file():
        raise ArtifactError(f"There is no file {path}. Check the path.")
    installed = [
        name for name, row in BACKENDS.items() if row.format == format and importlib.util.find_spec(row.module)
    ]
    return tuple(found for name in installed if (found := _measure(path, name)))


def _measure(path: str | Path, backend: str) -> Latency | None:
    started = time.perf_counter()
    # -P: no module in the current folder is imported by mistake.
    command = [sys.executable, "-P", "-m", "mnist_exporters.reports._probe", str(path), backend]
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
