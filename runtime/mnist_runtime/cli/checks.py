"""``mnist-runtime self-test``, ``verify``, ``doctor`` and ``bench``: check a file, its signature and this device."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
import platform
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_runtime.artifact.container import Artifact, file_bytes
from mnist_runtime.artifact.signature import check_signature
from mnist_runtime.backends.registry import BACKENDS
from mnist_runtime.device.self_test import Diagnosis, examine, self_test
from mnist_runtime.errors import (
    ArtifactError,
    BackendError,
    MissingPackageError,
    ToolkitError,
    install_command,
    printable,
)
from mnist_runtime.system.command import report_error
from mnist_runtime.system.terminal import Progress

if TYPE_CHECKING:
    from mnist_runtime.device.machine import Conditions, Machine
    from mnist_runtime.device.measure import Bench, Measurement

__all__ = ["bench_command", "doctor_command", "in_text", "self_test_command", "verify_command"]

MODELS = (".tflite", ".onnx")
"""Suffixes of files whose manifest the runtime reads."""


def self_test_command(arguments: argparse.Namespace) -> int:
    """Run the golden vectors of a model and print the result."""
    found = self_test(arguments.model, backend=arguments.backend, trusted=arguments.trusted)
    if arguments.json:
        json.dump({**dataclasses.asdict(found), "passed": found.passed}, sys.stdout, indent=2)
        print()
    else:
        print(
            f"{'passed' if found.passed else 'FAILED'}: {found.images - found.different} of {found.images} answers as "
            f"recorded, scores within {found.max_score_error:.2g} (bound {found.bound:.2g})\n"
            f"recorded with {found.recorded_with}, run with {found.run_with}"
        )
    if found.passed:
        return 0
    raise ArtifactError(
        f"The answers of {arguments.model or 'the ready model'} differ from the recorded ones. "
        "Update the interpreter, or try another --backend."
    )


def verify_command(arguments: argparse.Namespace) -> int:
    """Check each file. Report those that fail, and return the exit code of the first one."""
    results: list[dict[str, Any]] = []
    code = 0
    for file in arguments.files:
        try:
            facts = _facts(Path(file), arguments.trusted)
        except ToolkitError as error:
            failure = report_error(error)
            code = code or failure
            continue
        results.append(facts)
        if not arguments.json:
            print(printable(f"{file}: signed by {facts['signer']} ({facts['key_type']} {facts['fingerprint']})"))
    if arguments.json:
        json.dump({"results": results}, sys.stdout, indent=2)
        print()
    return code


def doctor_command(arguments: argparse.Namespace) -> int:
    """Try every backend and print the results."""
    here = {"python": platform.python_version(), "machine": platform.machine(), "numpy": np.__version__}
    found = []
    with Progress(float(len(BACKENDS))) as progress:
        for name in BACKENDS:
            with progress.step(f"trying {name}", 1.0):
                found.append(examine(name))
    if arguments.json:
        json.dump({**here, "backends": [dataclasses.asdict(one) for one in found]}, sys.stdout, indent=2)
        print()
    else:
        print(", ".join(f"{name} {value}" for name, value in here.items()))
        for one in found:
            print("\n".join(_lines(one)))
    if any(one.state == "works" for one in found):
        return 0
    raise BackendError("No interpreter works here. See the lines above.")


def bench_command(arguments: argparse.Namespace) -> int:
    """Measure the model with each interpreter, print the figures and draw them."""
    if arguments.plot:
        if importlib.util.find_spec("matplotlib") is None:
            raise MissingPackageError(f"--plot needs matplotlib. Install it with: {install_command('plots')}")
        from mnist_runtime.device.plot import check_plot, write_plot

        check_plot(arguments.plot)
    from mnist_runtime.device.measure import QUICK, bench  # the checks do not need it

    found = bench(arguments.model, backend=arguments.backend, plan=QUICK if arguments.quick else None, shows=True)
    if arguments.json:
        json.dump(found.as_dict(), sys.stdout, indent=2, allow_nan=False)
        print()
    else:
        print(in_text(found))
    if arguments.plot:
        write_plot(found, arguments.plot)
    return 0


def _lines(one: Diagnosis) -> list[str]:
    """Return a diagnosis in at most 80 columns; a command to copy stays whole."""
    start = f"{one.backend:16}{one.state:9}"
    indent = 25 if len(one.fix) <= 80 - 28 else 2
    detail = _wrapped(one.detail, 25, start) or [start.rstrip()]
    return [*detail, *_wrapped(one.fix, indent + 3, f"{' ' * indent}-> ")]


def _facts(path: Path, trusted: Path) -> dict[str, Any]:
    content = file_bytes(path)
    found = check_signature(content, path, trusted)
    facts: dict[str, Any] = {"file": str(path), **dataclasses.asdict(found)}
    if path.suffix in MODELS:
        artifact = Artifact.from_bytes(content)
        facts |= {"model": artifact.manifest.name, "precision": artifact.manifest.precision, "sha256": artifact.sha256}
    return facts


def in_text(found: Bench) -> str:
    """Return the figures as lines of at most 80 columns: the device, a table, the speed of batches, and notes."""
    headings = ("p50", "p95", "p99", "worst", "load", "start", "memory")
    lines = [
        f"{found.model} {found.precision}, one image in memory on one thread",
        *_wrapped(_machine(found.machine)),
        *_wrapped(f"before: {_conditions(found.before)}; after: {_conditions(found.after)}"),
        "",
        f"{'interpreter':22}{''.join(f'{heading:>8}' for heading in headings)}",
        *map(_row, found.measurements),
    ]
    if any(measured.throughputs for measured in found.measurements):
        lines += ["", "images a second, batch x threads"]
    for measured in found.measurements:
        if measured.throughputs:
            cells = [f"{each.batch} x {each.threads}: {each.images_per_s:,.0f}" for each in measured.throughputs]
            lines += _wrapped(f"{measured.backend:22}{', '.join(cells)}", 22)
    return "\n".join([*lines, *(line for note in found.notes for line in _wrapped(f"note: {note}", 6))])


def _wrapped(text: str, indent: int = 2, start: str = "") -> list[str]:
    """Break a long line."""
    return textwrap.wrap(
        text,
        80,
        initial_indent=start,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _row(measured: Measurement) -> str:
    latency = measured.one_image
    times = (latency.p50_us, latency.p95_us, latency.p99_us, latency.worst_us)
    cells = [*(_time(each / 1e6) for each in times), _time(measured.load_s), _time(measured.cold_start_s)]
    cells.append(f"{measured.peak_memory_bytes / 1e6:.0f} MB")
    name = f"{measured.backend} {measured.version}"
    return f"{name:22}{''.join(f'{cell:>8}' for cell in cells)}"


def _time(seconds: float) -> str:
    """Return a time in the unit that suits it.

    Examples
    --------
    >>> _time(0.0000123), _time(0.0123), _time(0.1234), _time(1.23)
    ('12.3 us', '12.3 ms', '123 ms', '1.23 s')
    """
    scales = ((1, "s"), (1e3, "ms"), (1e6, "us"))
    factor, unit = next((each for each in scales if seconds * each[0] >= 1), scales[-1])
    amount = seconds * factor
    digits = 0 if amount >= 99.95 else 2 if unit == "s" else 1
    return f"{amount:.{digits}f} {unit}"


def _machine(machine: Machine) -> str:
    memory = [] if machine.memory_bytes is None else [f"{machine.memory_bytes / 1e9:.1f} GB"]
    facts = [machine.board, machine.processor, f"{machine.cores} cores", *memory, machine.system]
    versions = [f"kernel {machine.kernel}", f"Python {machine.python}", f"NumPy {machine.numpy}"]
    return ", ".join(filter(None, [*facts, *versions]))


def _conditions(found: Conditions) -> str:
    facts = []
    if found.governor is not None:
        facts.append(f"governor {found.governor}")
    if found.frequency_mhz is not None:
        facts.append(f"{found.frequency_mhz:,.0f} MHz")
    if found.temperature_c is not None:
        facts.append(f"{found.temperature_c:.1f} °C")
    if found.load is not None:
        facts.append(f"load {found.load:.1f}")
    if found.throttled is not None:
        facts.append(", ".join(found.throttled) or "not throttled")
    return ", ".join(facts) or "nothing known"
