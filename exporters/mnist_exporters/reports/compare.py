"""`compare`: measure all exports of one original, and write the report."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_exporters.errors import UsageError
from mnist_exporters.reports.candidate import Candidate
from mnist_exporters.reports.circumstances import Circumstances
from mnist_exporters.reports.comparison import MEASURABLE, Comparison
from mnist_exporters.reports.latency import Latency, measure_latency

if TYPE_CHECKING:
    from mnist_exporters.pipeline.session import ExportSession
    from mnist_exporters.proof.report import ExportReport
    from mnist_exporters.targets.deployment.measure import DeviceFigures

__all__ = ["compare"]


def compare(
    session: ExportSession,
    reports: Iterable[ExportReport],
    folder: str | Path | None = None,
    progress: Callable[[str], None] | None = None,
    *,
    measure_on: str | None = None,
    ssh_config: Path | None = None,
    command: str = "",
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
    measure_on : str, optional
        A device, ``USER@HOST``, on which the files are also measured and tested. The latencies there then decide the
        recommendation.
    ssh_config : Path, optional
        A configuration file for ssh instead of the user's.
    command : str, optional
        The command line, for the footer of the page.

    Raises
    ------
    UsageError
        If there are no reports.
    DeviceError
        If the device cannot be reached, or nothing can be installed there.
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
    reports = list(reports)
    if not reports:
        raise UsageError("There are no exports to compare. Give the reports that session.export returns.")
    candidates = []
    for report in reports:
        if progress:
            progress(f"measuring {report.format} {report.precision} ...")
        latencies = measure_latency(report.path) if report.path else ()
        candidates.append(Candidate(report, latencies, session.stability(report)))
    device = None
    if measure_on is not None:
        from mnist_exporters.targets.deployment.measure import measure_on as measure_there

        paths = [row.report.path for row in candidates if row.report.path and row.report.format in MEASURABLE]
        device = measure_there(measure_on, paths, ssh_config=ssh_config, progress=progress)
        candidates = [_with_device(row, device) for row in candidates]
    circumstances = Circumstances.of(session, (row.report.format for row in candidates), command)
    comparison = Comparison(session.original, session.reference, tuple(candidates), device, circumstances)
    if folder is not None:
        from mnist_exporters.reports.html import write_report

        write_report(comparison, Path(folder))
    return comparison


def _with_device(row: Candidate, device: DeviceFigures) -> Candidate:
    """Return `row` with the measurements on a device."""
    found = device.files.get(row.report.path) if row.report.path else None
    if found is None:
        return row
    benches = found.bench["measurements"] if found.bench else ()
    on_device = tuple(map(Latency.of_bench, benches))
    return dataclasses.replace(row, on_device=on_device, device_failure=found.failure)
