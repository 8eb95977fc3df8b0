"""`print_table`: a `Comparison` for the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mnist_exporters.reports.comparison import Candidate, Comparison
from mnist_exporters.reports.latency import Latency

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["print_table"]


def _verdict(row: Candidate, comparison: Comparison) -> str:
    words = ["recommended"] if row is comparison.recommended else [] if row.report.path else ["REFUSED"]
    if row.stability and not row.stability.passed:
        words.append("unstable")
    return " ".join(words)


def _each(row: Candidate, tell: Callable[[Latency], str]) -> str:
    """Return a line for each interpreter."""
    return "\n".join(map(tell, row.latencies)) or "-"


COLUMNS: dict[str, Callable[[Candidate, Comparison], str]] = {
    "file": lambda row, _: row.name,
    "kB": lambda row, _: f"{row.report.model_bytes / 1000:.1f}",
    "ratio": lambda row, comparison: f"{comparison.original_bytes / row.report.model_bytes:.1f}x",
    "accuracy": lambda row, _: f"{row.report.parity.accuracy_exported:.2%}",
    "drop": lambda row, _: f"{row.report.parity.drop:.2%}",
    "at most": lambda row, _: f"{row.report.parity.drop_upper_95:.2%}",
    "same": lambda row, _: f"{row.report.parity.agreement:.2%}",
    "lost": lambda row, _: str(row.report.parity.lost),
    "gained": lambda row, _: str(row.report.parity.gained),
    "p": lambda row, _: f"{row.report.parity.mcnemar_p:.2f}",
    "p50/p95 µs": lambda row, _: _each(row, lambda one: f"{one.interpreter} {one.p50_us:.0f}/{one.p95_us:.0f}"),
    "start s": lambda row, _: _each(row, lambda one: f"{one.cold_start_s:.2f}"),
    "MB": lambda row, _: _each(row, lambda one: f"{one.peak_memory_bytes / 1e6:.0f}"),
    "loads on": lambda row, _: ", ".join(row.targets) or "-",
    "": _verdict,
}
"""Heading -> what stands below it; as on the page, in fewer words."""

ESSENTIAL = ("file", "kB", "accuracy", "p50/p95 µs", "")
"""What a terminal shows that is narrower than `ALL_COLUMNS`; the page has the rest."""
ALL_COLUMNS = 170


def print_table(comparison: Comparison) -> None:
    """Print the table on stderr, the recommended row marked and the reason below."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console.width = ALL_COLUMNS  # a file or a pipe has no edge to wrap at
    headings = tuple(COLUMNS) if console.width >= ALL_COLUMNS else ESSENTIAL
    console.print(_table(comparison, headings))


def _table(comparison: Comparison, headings: tuple[str, ...]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, caption=comparison.reason, caption_justify="left", pad_edge=False)
    for heading in headings:
        is_text = heading in ("file", "loads on", "")
        table.add_column(heading, justify="left" if is_text else "right", no_wrap=heading != "loads on")
    for row in comparison.candidates:
        best = row is comparison.recommended
        cells = [COLUMNS[heading](row, comparison) for heading in headings]
        table.add_row(*cells, style="bold" if best else "" if row.report.path else "red")
    return table
