"""`bench`: time and memory that each installed interpreter takes for a model on this device."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.container import Artifact
from mnist_runtime.backends.registry import BACKENDS, choose_backend
from mnist_runtime.classifier import READY_FORMATS, ready_model
from mnist_runtime.device.machine import Conditions, Machine
from mnist_runtime.errors import BackendError
from mnist_runtime.system.terminal import Progress, step_of

__all__ = ["QUICK", "Bench", "Latency", "Measurement", "Plan", "Throughput", "bench", "measure"]

# By path, as in `mnist_runtime.device.self_test`.
PROBE = [sys.executable, str(Path(__file__).with_name("_probe.py"))]

TIME_LIMIT = 600
"""Seconds after which a measurement is stopped."""

UNSTEADY = 0.1
"""Spread of the windows above which the machine counts as unsteady."""

CHANGING_GOVERNORS = ("conservative", "ondemand", "powersave", "schedutil")
"""Governors of Linux that change the frequency during a measurement, or keep it low."""


@dataclass(frozen=True)
class Plan:
    """Number and length of the measurements.

    Parameters
    ----------
    windows : int
        Number of windows of each measurement; the result is their median.
    window_s : float
        Seconds of a window.
    starts : int
        Number of processes whose start is measured.
    threads, batches : tuple of int
        Every pair of them is a measurement of many images at once.
    """

    windows: int = 20
    window_s: float = 0.05
    starts: int = 5
    threads: tuple[int, ...] = ()
    batches: tuple[int, ...] = ()

    @property
    def typical_s(self) -> float:
        """Seconds that an interpreter takes on a usual machine."""
        return 0.3 * self.starts + 1.3 * self.windows * self.window_s * (1 + len(self.threads) * len(self.batches))


QUICK = Plan(windows=10, starts=1)
"""One image only, in a second."""


@dataclass(frozen=True)
class Latency:
    """Time for one image in memory, in microseconds: percentiles of all calls, and their number."""

    p50_us: float
    p95_us: float
    p99_us: float
    worst_us: float
    calls: int


@dataclass(frozen=True)
class Throughput:
    """Images a second, in batches on some threads; the median of the windows."""

    threads: int
    batch: int
    images_per_s: float


@dataclass(frozen=True)
class Measurement:
    """Figures of one interpreter.

    Parameters
    ----------
    backend, version : str
        A key of `mnist_runtime.BACKENDS`, and its installed version.
    format : str
        Format of the file that it ran.
    file_bytes : int
        Size of that file.
    cold_start_s : float
        Seconds from the start of a Python process to its first answer; the median of several starts.
    load_s : float
        Seconds of it to import the interpreter and load the file.
    one_image : Latency
        Latency of one image on one thread.
    throughputs : tuple of Throughput
        Speed with many images at once.
    peak_memory_bytes : int
        Largest resident size of a process that classified single images.
    spread : float
        Difference between the 90th and the 10th percentile of the windows' medians, as a fraction of their median.
    """

    backend: str
    version: str
    format: str
    file_bytes: int
    cold_start_s: float
    load_s: float
    one_image: Latency
    throughputs: tuple[Throughput, ...]
    peak_memory_bytes: int
    spread: float

    @property
    def is_unsteady(self) -> bool:
        """Whether the windows differ so much that the figures should be measured again."""
        return self.spread > UNSTEADY


@dataclass(frozen=True)
class Bench:
    """A model measured on this device.

    Parameters
    ----------
    model, precision : str
        From the file's manifest.
    machine : Machine
        This device.
    before, after : Conditions
        Frequency, temperature and load before and after the measurements.
    measurements : tuple of Measurement
        One for each interpreter that runs the model here.
    failures : dict of str to str
        Interpreter that is installed but failed -> the reason.
    """

    model: str
    precision: str
    machine: Machine
    before: Conditions
    after: Conditions
    measurements: tuple[Measurement, ...]
    failures: dict[str, str]

    @property
    def notes(self) -> tuple[str, ...]:
        """Reasons to doubt the figures, as sentences."""
        found = [
            f"{one.backend}: the times vary by {one.spread:.0%}. Close other programs and measure again."
            for one in self.measurements
            if one.is_unsteady
        ]
        if (self.before.load or 0) > self.machine.cores / 2:
            found.append(f"The load was {self.before.load:.1f} on {self.machine.cores} cores before the measurement.")
        if self.before.governor in CHANGING_GOVERNORS:
            found.append(f"The governor {self.before.governor} changes the frequency of the processor.")
        if self.after.throttled:
            found.append(f"The board reports: {', '.join(self.after.throttled)}.")
        found += [f"{name} failed: {reason}" for name, reason in self.failures.items()]
        return tuple(found)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {"schema": 1, **dataclasses.asdict(self), "notes": list(self.notes)}


def bench(
    path: str | Path | None = None, *, backend: str | None = None, plan: Plan | None = None, shows: bool = False
) -> Bench:
    """Measure a model with each installed interpreter that runs it, one after the other.

    Parameters
    ----------
    path : str or Path, optional
        An exported file. Default: the ready int8 model, in both of its formats.
    backend : str, optional
        Only this key of `mnist_runtime.BACKENDS`.
    plan : Plan, optional
        Default: one image, and batches of 1, 32 and 256 images on 1, 2, 4 and all cores.
    shows : bool, optional
        Whether to show on a terminal what is measured and how long it takes.

    Raises
    ------
    ArtifactError
        If the file is missing, damaged or of another kind.
    UsageError
        If `backend` does not run the file.
    BackendError
        If no interpreter here runs the file, or all fail.

    Examples
    --------
    >>> found = bench(backend="onnxruntime", plan=QUICK)
    >>> found.precision, [one.backend for one in found.measurements]
    ('int8', ['onnxruntime'])
    """
    machine, before = Machine.here(), Conditions.now()
    if plan is None:
        cores = {1, machine.cores, *(number for number in (2, 4) if number < machine.cores)}
        plan = Plan(threads=tuple(sorted(cores)), batches=(1, 32, 256))
    files = [Artifact.open(path)] if path else [Artifact.from_bytes(ready_model(format)) for format in READY_FORMATS]
    by_format = {artifact.manifest.format: artifact for artifact in files}
    manifest = files[0].manifest
    choose_backend(tuple(by_format), backend, manifest.precision, in_this_process=False)
    names = [
        name
        for name, row in BACKENDS.items()
        if backend in (None, name) and row.runs(tuple(by_format), manifest.precision)
        if importlib.util.find_spec(row.module) is not None
    ]
    measurements, failures = [], {}
    with Progress(len(names) * plan.typical_s) if shows else contextlib.nullcontext() as progress:
        for number, name in enumerate(names, start=1):
            text = f"measuring {name} ({number} of {len(names)})"
            with step_of(progress, text, plan.typical_s):
                found = measure(path, name, plan)
            if isinstance(found, str):
                failures[name] = found
            else:
                file_bytes = len(by_format[BACKENDS[name].format].content)
                measurements.append(dataclasses.replace(found, file_bytes=file_bytes))
    if not measurements:
        raise BackendError(
            f"No interpreter measured the model. {' '.join(f'{name}: {why}' for name, why in failures.items())} "
            "Run: mnist-runtime doctor"
        )
    return Bench(manifest.name, manifest.precision, machine, before, Conditions.now(), tuple(measurements), failures)


def measure(path: str | Path | None, backend: str, plan: Plan = QUICK) -> Measurement | str:
    """Measure a model with one interpreter, in processes of its own.

    Parameters
    ----------
    path : str, Path or None
        An exported file; None for the ready model.
    backend : str
        A key of `mnist_runtime.BACKENDS` that is installed.
    plan : Plan
        See `Plan`.

    Returns
    -------
    Measurement or str
        The figures, or why there are none.
    """
    starts = []
    for start in range(plan.starts):
        wanted = plan if start == plan.starts - 1 else dataclasses.replace(plan, windows=0)
        command = [*PROBE, str(path or ""), backend, json.dumps(dataclasses.asdict(wanted))]
        started = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
            assert process.stdout is not None
            limit = threading.Timer(TIME_LIMIT, process.kill)
            limit.daemon = True
            limit.start()
            first = process.stdout.readline()  # a buffer would keep the rest
            starts.append(time.perf_counter() - started)
            rest, messages = process.communicate()
        if not limit.is_alive():
            return f"it took more than {TIME_LIMIT} seconds."
        limit.cancel()
        if not first or process.returncode != 0:
            lines = messages.decode(errors="replace").strip().splitlines()
            return f"{lines[-1] if lines else f'it ended with code {process.returncode}'}."
    figures = json.loads(rest)
    windows = figures["one_image"]
    return Measurement(
        backend=backend,
        version=figures["version"],
        format=BACKENDS[backend].format,
        file_bytes=Path(path).stat().st_size if path else 0,
        cold_start_s=float(np.median(starts)),
        load_s=figures["load_s"],
        one_image=_latency(windows),
        throughputs=tuple(
            Throughput(row["threads"], row["batch"], row["batch"] / _median(row["windows"]))
            for row in figures["batches"]
        ),
        peak_memory_bytes=figures["peak_memory_bytes"],
        spread=_spread(windows),
    )


def _latency(windows: list[list[float]]) -> Latency:
    times = np.concatenate(windows) * 1e6
    p50, p95, p99 = (float(each) for each in np.percentile(times, (50, 95, 99)))
    return Latency(p50, p95, p99, float(times.max()), len(times))


def _medians(windows: list[list[float]]) -> npt.NDArray[np.float64]:
    return np.array([np.median(times) for times in windows])


def _median(windows: list[list[float]]) -> float:
    return float(np.median(_medians(windows)))


def _spread(windows: list[list[float]]) -> float:
    low, middle, high = np.percentile(_medians(windows), (10, 50, 90))
    return float((high - low) / middle)
