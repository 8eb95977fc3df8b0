"""Write a comparison as report.json and as one HTML page with table, confusion matrices and changed images."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from mnist_exporters.reports.comparison import Candidate, Comparison
from mnist_exporters.reports.flips import Flip, confusion, flips
from mnist_exporters.targets.interpreters import INTERPRETERS
from mnist_runtime.system.atomic import atomic_files, check_output_path
from mnist_trainer.evaluation.html import html_environment, png_address

__all__ = ["REPORT_FILES", "html_report", "write_report"]

REPORT_FILES = ("report.json", "report.html")


def html_report(comparison: Comparison) -> str:
    """Return the page as text. It needs no network, contains no script, and escapes all names."""
    template = html_environment("mnist_exporters", "reports").get_template("report.html.jinja")
    labels = comparison.reference.labels
    return template.render(
        comparison=comparison,
        task=comparison.reference.task,
        parameters=comparison.original.count_params(),
        accuracy=comparison.reference.accuracy,
        before=confusion(labels, comparison.reference.scores),
        sections=[_section(row, comparison) for row in comparison.candidates],
        interpreters=INTERPRETERS,
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


def _section(row: Candidate, comparison: Comparison) -> dict[str, object]:
    """Return the confusion matrix and the changed images of one export."""
    found = flips(comparison.reference, row.report.scores, row.report.parity.judged_threshold)
    return {
        "row": row,
        "confusion": confusion(comparison.reference.labels, row.report.scores),
        "flips": [(flip, _picture(comparison.reference.images[flip.index])) for flip in _worst_first(found)],
    }


def _worst_first(found: tuple[Flip, ...]) -> list[Flip]:
    """Sort lost answers first, then by confidence of the export, highest first."""
    order = ("lost", "moved", "gained")
    return sorted(found, key=lambda flip: (order.index(flip.kind), -flip.exported_score))


def _picture(image: npt.NDArray[np.uint8]) -> str:
    """Return an image as a data URL of a PNG."""
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG", optimize=True)
    return png_address(content.getvalue())
