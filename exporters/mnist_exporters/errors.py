"""The errors of the exporters.

::

    ToolkitError (mnist_runtime)
    └── ExporterError               base of this package
        ├── UsageError              2  an impossible pair, an impossible number         (ValueError)
        ├── RefusedError            3  the export is not proven as good as its original
        ├── MissingPackageError     4  a converter is not installed                     (ImportError)
        ├── ModelError              5  the Keras model is not one of digits             (ValueError)
        ├── ConversionError         5  the converter cannot express the model           (ValueError)
        └── CalibrationError        6  the images to calibrate with do not suffice      (ValueError)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_runtime.errors import ToolkitError

if TYPE_CHECKING:
    from mnist_exporters.report import ExportReport

__all__ = [
    "CalibrationError",
    "ConversionError",
    "ExporterError",
    "MissingPackageError",
    "ModelError",
    "RefusedError",
    "UsageError",
]


class ExporterError(ToolkitError):
    """Base of the errors of `mnist_exporters`."""


class UsageError(ExporterError, ValueError):
    """What is asked for is impossible."""

    exit_code = 2


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


class MissingPackageError(ExporterError, ImportError):
    """A package that this format needs is not installed."""

    exit_code = 4


class ModelError(ExporterError, ValueError):
    """The Keras model is not a digit classifier that can be exported."""

    exit_code = 5


class ConversionError(ExporterError, ValueError):
    """The converter cannot express the model, or made something else of it than was asked for."""

    exit_code = 5


class CalibrationError(ExporterError, ValueError):
    """There are too few images to calibrate with."""

    exit_code = 6
