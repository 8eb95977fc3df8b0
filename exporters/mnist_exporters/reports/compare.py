"""`compare`: measure all exports of one original, and write the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_exporters.reports.comparison import Candidate, Comparison
from mnist_exporters.reports.latency import measure_latency

if TYPE_CHECKING:
    from mnist_exporters.pipeline.session import ExportSession
    from mnist_exporters.proof.report import ExportReport

__all__ = ["compare"]


def compare(
    session: ExportSession,
    reports: Iterable[ExportReport],
    folder: str | Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Comparison:
    """Measure the latency and the stability of exports, and compare all of them.

    Parameters
    ----------
    session : ExportSession
        The session that made the exports.
    reports : iterable of ExportReport
        The exports, refused ones included (``RefusedError.report``).
    folder : str or Path, optional
        Where to write ``report.json`` and ``report.html``. Default: they are not written.
    progress : callable, optional
        Called with one line of text before each measurement, which takes seconds.

    Raises
    ------
    OutputError
        If the reports cannot be written.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from mnist_exporters import ExportSpec, open_session
    >>> session = open_session("linear", "digits")
    >>> reports = [session.export(ExportSpec("onnx", "int8"), mkdtemp())]
    >>> compare(session, reports).recommended.name
    'onnx int8'
    """
    candidates = []
    for report in reports:
        if progress:
            progress(f"measuring {report.format} {report.precision} ...")
        latencies = measure_latency(report.path) if report.path else ()
        candidates.append(Candidate(report, latencies, session.stability(report)))
    comparison = Comparison(session.original, session.reference, tuple(candidates))
    if folder is not None:
        from mnist_exporters.reports.html import write_report

        write_report(comparison, Path(folder))
    return comparison
