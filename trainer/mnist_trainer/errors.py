"""The errors of the trainer.

::

    ToolkitError (mnist_runtime)
    └── TrainerError            base of this package
        ├── DataError           6  the data is missing, damaged or unsuitable     (ValueError)
        ├── DivergedError       2  the training got lost: the recipe is wrong     (ArithmeticError)
        ├── MissingPackageError 4  an optional package is not installed           (ImportError)
        ├── ModelError          5  a model file is damaged or incompatible        (ValueError)
        └── UsageError          2  the call itself is wrong                       (ValueError)
"""

from __future__ import annotations

from mnist_runtime.errors import ToolkitError

__all__ = ["DataError", "DivergedError", "MissingPackageError", "ModelError", "TrainerError", "UsageError"]


class TrainerError(ToolkitError):
    """Base of the errors of `mnist_trainer`."""


class DataError(TrainerError, ValueError):
    """A data set is missing, damaged or unsuitable."""

    exit_code = 6


class DivergedError(TrainerError, ArithmeticError):
    """A loss became infinite or not a number."""

    exit_code = 2


class MissingPackageError(TrainerError, ImportError):
    """A package that an option needs is not installed."""

    exit_code = 4


class ModelError(TrainerError, ValueError):
    """A Keras model file is missing, damaged or not a digit classifier."""

    exit_code = 5


class UsageError(TrainerError, ValueError):
    """A function or command was called with an impossible argument."""

    exit_code = 2
