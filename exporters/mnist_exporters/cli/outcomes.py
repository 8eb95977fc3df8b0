"""Export the requested files one after the other, and print the results."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_exporters.cli.quantize_option import command_for
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_runtime.errors import ToolkitError, printable
from mnist_runtime.system.command import echo, report_error
from mnist_runtime.system.terminal import Progress

if TYPE_CHECKING:
    from mnist_exporters.pipeline.session import ExportSession
    from mnist_exporters.proof.report import ExportReport
    from mnist_exporters.targets.devices import Target

__all__ = ["EXPORTING", "LOADING", "MEASURING", "ReportPlace", "check_device", "export_all"]

LOADING, EXPORTING, MEASURING = 8.0, 8.0, 6.0
"""Usual seconds for loading the model and its data, for exporting a file, and for measuring it."""


@dataclass(frozen=True)
class ReportPlace:
    """Where to write the report, and optionally a device on which to measure the files.

    Parameters
    ----------
    folder : Path
        Folder of the report.
    device : str or None
        ``USER@HOST``.
    ssh_config : Path or None
        A configuration file for ssh instead of the user's.
    """

    folder: Path
    device: str | None
    ssh_config: Path | None


def check_device(address: str, ssh_config: Path | None) -> None:
    """Connect to the device for measurements, so that a mistake is found before the exports start."""
    from mnist_exporters.targets.deployment.deploy import look
    from mnist_exporters.targets.deployment.plan import FOLDER
    from mnist_exporters.targets.deployment.ssh import Device

    with Device.connected(address, ssh_config) as device:
        look(device, FOLDER, echo)


def export_all(
    session: ExportSession,
    files: list[tuple[ExportSpec, Path]],
    device: Target | None,
    place: ReportPlace | None,
    progress: Progress,
    *,
    repair: bool,
    as_json: bool,
) -> int:
    """Export each file and return the exit code. If one export fails, the others still run."""
    from mnist_exporters.proof.report import RefusedError

    code = 0
    reports: list[ExportReport] = []
    instead: tuple[str, str] | None = None
    for outcome in _outcomes(session, files, device, progress, repair=repair):
        report: ExportReport | None
        if isinstance(outcome, ToolkitError):
            failure = report_error(outcome)
            code = code or failure
            instead = instead or getattr(outcome, "instead", None)
            report = outcome.report if isinstance(outcome, RefusedError) else None
        else:
            report = outcome
        if report:
            reports.append(report)
            echo(str(report))
            if report.path and not as_json:
                print(printable(str(report.package.path if report.package else report.path)))
            if report.package:
                echo(printable(report.package.next_step))
    recommended = None
    if place and reports:
        try:
            recommended = _compare(session, reports, place, progress)
        except ToolkitError as error:  # the exported files themselves are complete
            failure = report_error(error)
            code = code or failure
    if as_json:
        artifacts = [report.as_dict() for report in reports]
        print(json.dumps({"original": session.original_as_dict(), "artifacts": artifacts}, indent=2))
    else:
        if instead and not reports and device is None:
            echo(f"To convert it: {printable(shlex.join(command_for(*instead, sys.argv[1:])))}")
        _suggest_runtime(reports, recommended)
        _suggest_program(reports)
    return code


def _outcomes(
    session: ExportSession,
    files: list[tuple[ExportSpec, Path]],
    device: Target | None,
    progress: Progress,
    *,
    repair: bool,
) -> Iterator[ExportReport | ToolkitError]:
    """Export each file, and yield its report or the error."""
    for number, (spec, path) in enumerate(files, start=1):
        text = f"exporting {spec.format} {spec.precision} ({number} of {len(files)})"
        outcome: ExportReport | ToolkitError
        with progress.step(text, EXPORTING):
            try:
                outcome = session.export(spec, path, device, repair=repair)
            except ToolkitError as error:
                outcome = error
        yield outcome


def _compare(
    session: ExportSession, reports: list[ExportReport], place: ReportPlace, progress: Progress
) -> ExportReport | None:
    """Write the report and return the recommended export."""
    from mnist_exporters.reports.compare import compare
    from mnist_exporters.reports.table import print_table

    with progress.step("measuring speed and stability", MEASURING * len(reports)):
        comparison = compare(
            session,
            reports,
            place.folder,
            progress=echo,
            measure_on=place.device,
            ssh_config=place.ssh_config,
            command=shlex.join(["mnist-export", *sys.argv[1:]]),
        )
    print_table(comparison)
    echo(f"report: {printable(str(place.folder / 'report.html'))}")
    return comparison.recommended.report if comparison.recommended else None


def _suggest_runtime(reports: list[ExportReport], recommended: ExportReport | None) -> None:
    """Print how to use the recommended file; without a recommendation, the smallest file that mnist-runtime runs."""
    from mnist_runtime.backends.registry import BACKENDS

    on_devices = {row.format for row in BACKENDS.values()}
    proven = [report for report in reports if report.path and report.format in on_devices]
    if not proven:
        return
    which = "" if len(proven) == 1 else " with the recommended file"
    if recommended not in proven:
        recommended = min(proven, key=lambda report: report.size_bytes)
        which = which and f" with the smallest of {len(proven)} proven files (--report measures speed too)"
    file = shlex.quote(printable(str(recommended.path)))
    echo(f"Classify a picture{which}: mnist-runtime classify --model {file} PICTURE")


def _suggest_program(reports: list[ExportReport]) -> None:
    """Print how to use a file that mnist-runtime cannot run, such as C code."""
    from mnist_exporters.reports.recommendation import next_step

    for report in reports:
        if not report.package and (text := next_step(report)):
            echo(printable(text))
