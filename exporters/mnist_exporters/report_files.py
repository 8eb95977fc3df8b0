"""`write_report`: a `Comparison` as two files, for programs and for people."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from mnist_exporters.comparison import Comparison
from mnist_exporters.html_report import html_report
from mnist_exporters.writing import writing

__all__ = ["REPORT_FILES", "write_report"]

REPORT_FILES = ("report.json", "report.html")


def write_report(comparison: Comparison, folder: Path) -> None:
    """Write `REPORT_FILES` into `folder`, in the place of those of an earlier run; each appears whole or not at all.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    figures = json.dumps(comparison.as_dict(), indent=2, allow_nan=False) + "\n"
    with writing(folder), tempfile.TemporaryDirectory(dir=folder, prefix=".mnist-export-") as drafts:
        for name, text in zip(REPORT_FILES, (figures, html_report(comparison)), strict=True):
            draft = Path(drafts) / name
            draft.write_text(text, encoding="utf-8")
            draft.replace(folder / name)
