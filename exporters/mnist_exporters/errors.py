"""The errors of the exporters.

::

    ToolkitError (mnist_runtime)
    └── ExporterError               base of this package
        ├── UsageError              2  an impossible pair, an impossible number         (ValueError)
        ├── OutputError             2  a file cannot be written where it is to be       (OSError)
        ├── RefusedError            3  not proven as good as the original, see `mnist_exporters.refused_error`
        ├── MissingPackageError     4  a converter is not installed                     (ImportError)
        ├── ModelError              5  the Keras model is not one of digits             (ValueError)
        ├── ConversionError         5  the converter cannot express the model           (ValueError)
        └── CalibrationError        6  the images to calibrate with do not suffice      (ValueError)
"""

from __future__ import annotations

from mnist_runtime.errors import ToolkitError

__all__ = [
    "CalibrationError",
    "ConversionError",
    "ExporterError",
    "MissingPackageError",
    "ModelError",
    "OutputError",
    "UsageError",
]


class ExporterError(ToolkitError):
    """Base of the errors of `mnist_exporters`."""


class UsageError(ExporterError, ValueError):
    """What is asked for is impossible."""

    exit_code = 2


class OutputError(ExporterError, OSError):
    """A file cannot be written where it is to be: the disk is full, the folder gone or read-only."""

    exit_code = 2


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
