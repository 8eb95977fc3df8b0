"""Errors of the exporters, and those of the runtime that they raise too.

::

    ToolkitError                  see `mnist_runtime.errors` for the whole tree
    ├── UsageError              2  an argument or option is wrong                         (ValueError)
    ├── OutputError             2  a file cannot be written                               (OSError)
    ├── RefusedError            3  the accuracy check failed, see `mnist_exporters.proof.report`
    ├── MissingPackageError     4  a needed package is not installed                      (ImportError)
    ├── ModelError              5  a Keras model is damaged or not a digit classifier     (ValueError)
    ├── ConversionError         5  the model cannot be converted                          (ValueError)
    └── CalibrationError        6  the calibration images are unsuitable                  (ValueError)
"""

from __future__ import annotations

from mnist_runtime.errors import MissingPackageError, ModelError, OutputError, ToolkitError, UsageError

__all__ = ["CalibrationError", "ConversionError", "MissingPackageError", "ModelError", "OutputError", "UsageError"]


class ConversionError(ToolkitError, ValueError):
    """The model cannot be converted, the result is not as requested, or the target cannot load it."""

    exit_code = 5


class CalibrationError(ToolkitError, ValueError):
    """There are too few calibration images, or some are also test images."""

    exit_code = 6
