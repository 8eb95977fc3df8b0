"""`print_table`: a `Comparison` for the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mnist_exporters.comparison import Candidate, Comparison
from mnist_exporters.latency import Latency

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["print_table"]

COLUMNS = (
    "file",
    "kB",
    "ratio",
    "accuracy",
    "drop",
    "at most",
    "same",
    "lost",
    "gained",
    "p",
    "p50/p95 µs",
    "start s",
    "MB",
    "loads on",
    "",
)
"""As on the page, in fewer words."""
LEAST_WIDTH = 170
"""Characters that the table takes; a file or a pipe has no edge to wrap at."""


def print_table(comparison: Comparison) -> None:
    """Print the table on stderr, the recommended row marked and the reason below."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, LEAST_WIDTH)
    console.print(_table(comparison))


def _table(comparison: Comparison) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, caption=comparison.reason, caption_justify="left", pad_edge=False)
    for column in COLUMNS:
        numeric = column not in ("file", "loads on", "")
        table.add_column(column, justify="right" if numeric else "left", no_wrap=numeric)
    for row in comparison.candidates:
        best = row is comparison.recommended
        table.add_row(*_cells(row, comparison, best=best), style="bold" if best else "" if row.report.path else "red")
    return table


def _cells(row: Candidate, comparison: Comparison, *, best: bool) -> list[str]:
    report, parity = row.report, row.report.parity
    verdict = "recommended" if best else "" if report.path else "REFUSED"
    if row.stability and not row.stability.passed:
        verdict = f"{verdict} unstable".strip()
    return [
        row.name,
        f"{report.model_bytes / 1000:.1f}",
        f"{comparison.original_bytes / report.model_bytes:.1f}x",
        f"{parity.accuracy_exported:.2%}",
        f"{parity.drop:.2%}",
        f"{parity.drop_upper_95:.2%}",
        f"{parity.agreement:.2%}",
        str(parity.lost),
        str(parity.gained),
        f"{parity.mcnemar_p:.2f}",
        _each(row, lambda one: f"{one.interpreter} {one.p50_us:.0f}/{one.p95_us:.0f}"),
        _each(row, lambda one: f"{one.cold_start_s:.2f}"),
        _each(row, lambda one: f"{one.peak_memory_bytes / 1e6:.0f}"),
        ", ".join(row.targets) or "-",
        verdict,
    ]


def _each(row: Candidate, tell: Callable[[Latency], str]) -> str:
    """Return a line for each interpreter."""
    return "\n".join(map(tell, row.latencies)) or "-"
