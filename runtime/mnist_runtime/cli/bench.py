"""``mnist-runtime bench``: how fast a model runs on this device, as a table or JSON."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import textwrap

from mnist_runtime.device.bench.machine import Conditions, Machine
from mnist_runtime.device.bench.measure import QUICK, Bench, Measurement, bench
from mnist_runtime.errors import MissingPackageError
from mnist_runtime.system.packages import install_command

__all__ = ["bench_command"]


def bench_command(arguments: argparse.Namespace) -> int:
    """Measure the model with each interpreter, print the figures and draw them."""
    if arguments.plot:
        if importlib.util.find_spec("matplotlib") is None:
            raise MissingPackageError(f"--plot needs matplotlib. Install it with: {install_command('plots')}")
        from mnist_runtime.device.bench.plot import check_plot, write_plot

        check_plot(arguments.plot)
    found = bench(arguments.model, backend=arguments.backend, plan=QUICK if arguments.quick else None, shows=True)
    if arguments.json:
        json.dump(found.as_dict(), sys.stdout, indent=2, allow_nan=False)
        print()
    else:
        print(in_text(found))
    if arguments.plot:
        write_plot(found, arguments.plot)
    return 0


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


def _wrapped(text: str, indent: int = 2) -> list[str]:
    """Break a long line."""
    return textwrap.wrap(
        text, 80, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
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
    digits = (unit == "s") + (amount < 99.95)
    return f"{amount:.{digits if amount < 99.95 else 0}f} {unit}"


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
