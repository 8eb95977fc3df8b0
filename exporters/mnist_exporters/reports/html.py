"""Write a comparison as report.json and report.html: recommendation, chart, table, confusions and changed images."""

from __future__ import annotations

import json
import math
from pathlib import Path

from mnist_exporters.reports.candidate import Candidate
from mnist_exporters.reports.chart import LOSSES, size_and_speed
from mnist_exporters.reports.comparison import Comparison
from mnist_exporters.reports.flips import Flip, changed_cells, confusion, flips
from mnist_exporters.targets.interpreters import INTERPRETERS
from mnist_runtime.system.atomic import atomic_files, check_output_path
from mnist_trainer.evaluation.pages.html import html_environment, picture_address

__all__ = ["REPORT_FILES", "html_report", "write_report"]

REPORT_FILES = ("report.json", "report.html")

SHOWN = 24
"""Number of lost images of a refused export, and of changed confusions, that are shown without a click."""


def html_report(comparison: Comparison) -> str:
    """Return the page as text. It needs no network, contains no script, and escapes all names."""
    template = html_environment("mnist_exporters", "reports/templates").get_template("report.html.jinja")
    reference = comparison.reference
    before = confusion(reference.labels, reference.scores)
    return template.render(
        comparison=comparison,
        task=reference.task,
        noun="digit" if reference.task.is_mnist else "class",
        parameters=comparison.original.count_params(),
        accuracy=reference.accuracy,
        before=before,
        sections=[_section(row, comparison, before) for row in comparison.candidates],
        interpreters=INTERPRETERS,
        chart=size_and_speed(comparison),
        losses=LOSSES,
        names=lambda row: [INTERPRETERS[name].since for name in row.report.loads_on],
        time=comparison.time,
        infinite=math.inf,
        shown=SHOWN,
    )


def write_report(comparison: Comparison, folder: Path) -> None:
    """Write `REPORT_FILES` into `folder`, replacing those of an earlier run. Missing folders are created.

    Raises
    ------
    UsageError
        If `folder` cannot be created, or a folder has the name of a file.
    OutputError
        If the files cannot be written; earlier files then stay unchanged.
    """
    for name in REPORT_FILES:
        check_output_path(folder / name)
    figures = json.dumps(comparison.as_dict(), indent=2, allow_nan=False) + "\n"
    with atomic_files(folder) as staged:
        for name, text in zip(REPORT_FILES, (figures, html_report(comparison)), strict=True):
            (staged / name).write_text(text, encoding="utf-8")


def _section(row: Candidate, comparison: Comparison, before: list[list[int]]) -> dict[str, object]:
    """Return the template variables for one export: its changed confusions and changed images."""
    reference = comparison.reference
    found = flips(reference, row.report.scores, row.report.parity.judged_threshold)
    return {
        "row": row,
        "cells": changed_cells(before, confusion(reference.labels, row.report.scores)),
        "flips": [(flip, picture_address(reference.images[flip.index])) for flip in _worst_first(found)],
    }


def _worst_first(found: tuple[Flip, ...]) -> list[Flip]:
    """Sort lost answers first, then by confidence of the export, highest first."""
    order = ("lost", "moved", "gained")
    return sorted(found, key=lambda flip: (order.index(flip.kind), -flip.exported_score))
