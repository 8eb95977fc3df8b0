"""`print_table`: a `Comparison` for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_exporters.comparison import Candidate, Comparison

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["print_table"]

COLUMNS = ("file", "kB", "smaller", "accuracy", "drop ≤", "same", "lost/gained", "p50 µs", "start s", "loads on", "")


def print_table(comparison: Comparison) -> None:
    """Print the table on stderr, the recommended row marked and the reason below."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 140)  # a log file has no edge to wrap at
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
    latencies = "\n".join(f"{latency.interpreter} {latency.p50_us:.0f}" for latency in row.latencies)
    verdict = "recommended" if best else "" if report.path else "REFUSED"
    if row.stability and not row.stability.passed:
        verdict = f"{verdict} unstable".strip()
    return [
        row.name,
        f"{report.model_bytes / 1000:.1f}",
        f"{comparison.original_bytes / report.model_bytes:.1f}x",
        f"{parity.accuracy_exported:.2%}",
        f"{max(0.0, parity.drop_upper_95):.2%}",
        f"{parity.agreement:.2%}",
        f"{parity.lost}/{parity.gained}",
        latencies or "-",
        f"{min(latency.cold_start_s for latency in row.latencies):.2f}" if row.latencies else "-",
        ", ".join(row.targets) or "-",
        verdict,
    ]
