"""Errors that the exporters raise: their own, and those that they share with the runtime.

::

    ToolkitError                  see `mnist_runtime.errors` for the whole tree
    ├── UsageError              2  an argument or option is wrong                         (ValueError)
    ├── OutputError             2  a file cannot be written                               (OSError)
    ├── DeviceError             2  a device cannot be reached, or nothing installed there (RuntimeError)
    ├── RefusedError            3  the accuracy check failed, see `mnist_exporters.proof.report`
    ├── MissingPackageError     4  a needed package is not installed                      (ImportError)
    ├── ModelError              5  a Keras model is damaged or not a digit classifier     (ValueError)
    ├── ConversionError         5  the model cannot be converted                          (ValueError)
    │   └── OperatorError       5  the format lacks an operator for one of its layers     (ConversionError)
    │       └── ChangingError   5  its scores depend on more than the image               (OperatorError)
    └── CalibrationError        6  the calibration images are unsuitable                  (ValueError)
"""

from __future__ import annotations

from collections.abc import Mapping

from mnist_runtime.errors import MissingPackageError, ModelError, OutputError, ToolkitError, UsageError

__all__ = [
    "CalibrationError",
    "ChangingError",
    "ConversionError",
    "DeviceError",
    "MissingPackageError",
    "ModelError",
    "OperatorError",
    "OutputError",
    "UsageError",
    "missing_packages",
]


class ConversionError(ToolkitError, ValueError):
    """The model cannot be converted, the result is not as requested, or the target cannot load it."""

    exit_code = 5


class OperatorError(ConversionError):
    """The model needs an operator that the format does not have in this precision.

    Parameters
    ----------
    message : str
        What is wrong, and what to do.
    operators : tuple of str
        Names of the operators concerned; empty if the converter does not name them.
    places : tuple of str
        Names of the tensors and nodes concerned. They show which layers are at fault.
    instead : tuple of (str, str), optional
        A format and a precision that the model can be converted to. Default: none is known.
    """

    page = "how-to/own-model.md#its-layers"

    def __init__(
        self,
        message: str,
        operators: tuple[str, ...] = (),
        places: tuple[str, ...] = (),
        instead: tuple[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.operators = operators
        self.places = places
        self.instead = instead


class ChangingError(OperatorError):
    """The scores of the model are random, or depend on earlier calls or on other images of the batch."""


class CalibrationError(ToolkitError, ValueError):
    """There are too few calibration images, or some are also test images."""

    exit_code = 6
    page = "how-to/own-data.md#how-much-is-needed"


class DeviceError(ToolkitError, RuntimeError):
    """A device cannot be reached over ssh, or nothing can be installed there."""

    exit_code = 2


def missing_packages(purpose: str, packages: Mapping[str, str | None]) -> MissingPackageError:
    """Return the error for packages that are not installed.

    Parameters
    ----------
    purpose : str
        Name of the feature that needs the packages. The message begins with it.
    packages : mapping of str to (str or None)
        Package -> extra of ``mnist-edge-export`` that installs it; None for a package that is always installed with
        it.
    """
    extras = ",".join(dict.fromkeys(filter(None, packages.values())))
    wanted = [f"'mnist-edge-export[{extras}]'"] if extras else []
    wanted += [package for package, extra in packages.items() if extra is None]
    return MissingPackageError(
        f"{purpose} needs {' and '.join(packages)}. Install with: pip install {' '.join(wanted)}"
    )
