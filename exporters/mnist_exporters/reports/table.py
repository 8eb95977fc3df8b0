"""`print_table`: a comparison as tables for the terminal, 80 columns wide."""

from __future__ import annotations

from collections.abc import Callable

from rich import box
from rich.console import Console
from rich.table import Table

from mnist_exporters.reports.candidate import Candidate
from mnist_exporters.reports.comparison import Comparison
from mnist_exporters.reports.latency import Latency
from mnist_runtime.system.terminal import is_quiet

__all__ = ["open_console", "print_table"]

WIDTH = 80
"""Width of the tables in characters, if the output is a file or a pipe."""

Cell = Callable[[Candidate, Comparison], str]


def _per_interpreter(row: Candidate, text: Callable[[Latency], str]) -> str:
    """Return one line for each interpreter."""
    return "\n".join(map(text, row.latencies)) or "-"


def _verdict(row: Candidate, comparison: Comparison) -> str:
    words = ["recommended"] if row is comparison.recommended else ["proven"] if row.report.path else ["REFUSED"]
    if row.report.repair:
        words.append("repaired")
    if row.stability and not row.stability.passed:
        words.append("unstable")
    return ", ".join(words)


FILE: dict[str, Cell] = {"file": lambda row, _: row.name}

TABLES: tuple[dict[str, Cell], ...] = (
    {
        "accuracy": lambda row, _: f"{row.report.parity.accuracy_exported:.2%}",
        "points": lambda row, _: f"{row.report.parity.drop * 100:.2f}",
        "at most": lambda row, _: f"{row.report.parity.drop_upper_95 * 100:.2f}",
        "same": lambda row, _: f"{row.report.parity.agreement:.2%}",
        "lost": lambda row, _: str(row.report.parity.lost),
        "gained": lambda row, _: str(row.report.parity.gained),
        "p": lambda row, _: f"{row.report.parity.mcnemar_p:.2f}",
    },
    {
        "kB": lambda row, _: f"{row.report.size_bytes / 1000:.1f}",
        "interpreter": lambda row, _: _per_interpreter(row, lambda one: one.interpreter),
        "p50/p95 µs": lambda row, _: _per_interpreter(row, lambda one: f"{one.p50_us:.0f}/{one.p95_us:.0f}"),
        "start s": lambda row, _: _per_interpreter(row, lambda one: f"{one.cold_start_s:.2f}"),
        "MB": lambda row, _: _per_interpreter(row, lambda one: f"{one.peak_memory_bytes / 1e6:.0f}"),
    },
    {
        "model kB": lambda row, _: f"{row.report.model_bytes / 1000:.1f}",
        "ratio": lambda row, comparison: f"{comparison.original_bytes / row.report.model_bytes:.1f}x",
        "verdict": _verdict,
        "loads on": lambda row, _: ", ".join(row.targets) or "-",
    },
)
"""Columns of each table, after the file's name: heading -> text. The page report.html has the same.

``points``: lost accuracy in percentage points, and its upper bound with 95 % confidence. ``kB``: size of the file.
``model kB``: size of the model in it, and how many times smaller it is than the original's parameters in float32.
"""

LEFT = ("file", "interpreter", "verdict", "loads on", "there")
"""Columns that are aligned to the left because they contain text."""


ON_DEVICE: dict[str, Cell] = {
    "interpreter": lambda row, _: "\n".join(one.interpreter for one in row.on_device) or "-",
    "p50/p95 µs": lambda row, _: "\n".join(f"{one.p50_us:.0f}/{one.p95_us:.0f}" for one in row.on_device) or "-",
    "start s": lambda row, _: "\n".join(f"{one.cold_start_s:.2f}" for one in row.on_device) or "-",
    "MB": lambda row, _: "\n".join(f"{one.peak_memory_bytes / 1e6:.0f}" for one in row.on_device) or "-",
    "there": lambda row, _: "self-test passed" if row.on_device else row.device_failure or "not measured",
}
"""Columns of the table about the device, which is printed only if there is one."""


def print_table(comparison: Comparison) -> None:
    """Print `comparison` on stderr, the recommended file in bold and the reason at the end; nothing with --quiet."""
    if is_quiet():
        return
    console = open_console()
    for columns in TABLES:
        console.print(_table(comparison, FILE | columns))
    if comparison.device:
        console.print(f"On {comparison.place}:", style="bold")
        console.print(_table(comparison, FILE | ON_DEVICE))
        for note in comparison.device.notes:
            console.print(f"note: {note}")
    console.print(comparison.reason)


def open_console() -> Console:
    """Return the console of stderr: 80 columns wide or as the terminal, with colors on a terminal without NO_COLOR."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    return console


def _table(comparison: Comparison, columns: dict[str, Cell]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in columns:
        table.add_column(
            heading, justify="left" if heading in LEFT else "right", no_wrap=heading not in ("loads on", "there")
        )
    for row in comparison.candidates:
        style = "bold" if row is comparison.recommended else "" if row.report.path else "red"
        table.add_row(*[cell(row, comparison) for cell in columns.values()], style=style)
    return table
