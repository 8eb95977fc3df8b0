"""`RefusedError`: the gate's no, with the report of what was measured."""

from __future__ import annotations

from mnist_exporters.errors import ExporterError
from mnist_exporters.report import ExportReport

__all__ = ["RefusedError"]


class RefusedError(ExporterError):
    """The export was not proven to be as good as the original; nothing was written at the destination.

    Attributes
    ----------
    report : ExportReport
        What was measured, with the reasons in ``report.parity.reasons``.
    """

    exit_code = 3

    def __init__(self, report: ExportReport) -> None:
        self.report = report
        super().__init__(
            f"{report.format} {report.precision} is refused and not written: " + " ".join(report.parity.reasons)
        )
