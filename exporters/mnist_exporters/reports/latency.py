"""`measure_latency`: measure the time and memory that each installed interpreter needs for a file."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_exporters.spec.format import format_of
from mnist_runtime.backends.registry import BACKENDS
from mnist_runtime.device.measure import QUICK, Measurement, measure
from mnist_runtime.errors import ArtifactError

__all__ = ["Latency", "measure_latency"]


@dataclass(frozen=True)
class Latency:
    """Time and memory of one interpreter, on one thread of this machine or of a device.

    Parameters
    ----------
    interpreter : str
        A key of `mnist_runtime.BACKENDS`.
    version : str
        Installed version of the interpreter.
    p50_us, p95_us : float
        Microseconds for one decoded image: median and 95th percentile of the calls in half a second.
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

    @classmethod
    def of_bench(cls, row: Mapping[str, Any]) -> Latency:
        """Return the latency in an entry of ``measurements`` in the JSON of ``mnist-runtime bench``."""
        return cls(
            interpreter=row["backend"],
            version=row["version"],
            p50_us=row["one_image"]["p50_us"],
            p95_us=row["one_image"]["p95_us"],
            cold_start_s=row["cold_start_s"],
            peak_memory_bytes=row["peak_memory_bytes"],
        )


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
    found = (measure(path, name, QUICK) for name in installed)
    return tuple(Latency.of_bench(dataclasses.asdict(one)) for one in found if isinstance(one, Measurement))
