"""The errors that only the trainer raises, and those it shares with the other packages.

::

    ToolkitError                  see `mnist_runtime.errors` for the whole tree
    ├── UsageError              2  an argument or option is wrong                         (ValueError)
    ├── OutputError             2  a file cannot be written                               (OSError)
    ├── DivergedError           2  a training loss became infinite or not a number        (ArithmeticError)
    ├── MissingPackageError     4  a needed package is not installed                      (ImportError)
    ├── ModelError              5  a Keras model is damaged or not a digit classifier     (ValueError)
    └── DataError               6  the data is missing, damaged or unsuitable             (ValueError)
"""

from __future__ import annotations

from mnist_runtime.errors import MissingPackageError, ModelError, OutputError, ToolkitError, UsageError

__all__ = ["DataError", "DivergedError", "MissingPackageError", "ModelError", "OutputError", "UsageError"]


class DataError(ToolkitError, ValueError):
    """A data set is missing, damaged or unsuitable."""

    exit_code = 6


class DivergedError(ToolkitError, ArithmeticError):
    """A training loss became infinite or not a number."""

    exit_code = 2
