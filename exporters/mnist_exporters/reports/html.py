"""`html_report`: a `Comparison` as one page that needs no network: table, confusion matrices, flip gallery."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnist_exporters.reports.comparison import Candidate, Comparison
from mnist_exporters.reports.flips import Flip, confusion, flips
from mnist_exporters.targets.interpreters import INTERPRETERS
from mnist_runtime.system.atomic import atomic_files
from mnist_trainer.evaluation.html import html_environment, png_address

__all__ = ["REPORT_FILES", "html_report", "write_report"]


def html_report(comparison: Comparison) -> str:
    """Return the page.

    Everything that the model's owner may have named is escaped; there is no script in it.
    """
    template = html_environment("mnist_exporters", "reports").get_template("report.html.jinja")
    labels = comparison.reference.labels
    return template.render(
        comparison=comparison,
        parameters=comparison.original.model.count_params(),
        accuracy=float(np.mean(comparison.reference.scores.argmax(axis=1) == labels)),
        before=confusion(labels, comparison.reference.scores),
        sections=[_section(row, comparison) for row in comparison.candidates],
        interpreters=INTERPRETERS,
    )


def _section(row: Candidate, comparison: Comparison) -> dict[str, object]:
    """Return what the page shows of one export beside its row in the table."""
    found = flips(comparison.reference, row.report.scores)
    return {
        "row": row,
        "confusion": confusion(comparison.reference.labels, row.report.scores),
        "flips": [(flip, _picture(comparison.reference.images[flip.index])) for flip in _worst_first(found)],
    }


def _worst_first(found: tuple[Flip, ...]) -> list[Flip]:
    """Put lost answers first, the surest mistakes before the doubtful."""
    order = ("lost", "moved", "gained")
    return sorted(found, key=lambda flip: (order.index(flip.kind), -flip.exported_score))


def _picture(image: npt.NDArray[np.uint8]) -> str:
    """Return an image as the address of a PNG inside the page."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG", optimize=True)
    return png_address(content.getvalue())


REPORT_FILES = ("report.json", "report.html")


def write_report(comparison: Comparison, folder: Path) -> None:
    """Write `REPORT_FILES` into `folder`, in the place of those of an earlier run; each appears whole or not at all.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    figures = json.dumps(comparison.as_dict(), indent=2, allow_nan=False) + "\n"
    with atomic_files(folder) as staged:
        for name, text in zip(REPORT_FILES, (figures, html_report(comparison)), strict=True):
            (staged / name).write_text(text, encoding="utf-8")
