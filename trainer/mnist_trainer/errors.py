"""The errors of the trainer, those that it shares with the other packages, and hints for error messages.

::

    ToolkitError                  see `mnist_runtime.errors` for the whole tree
    ├── UsageError              2  an argument or option is wrong                         (ValueError)
    ├── OutputError             2  a file cannot be written                               (OSError)
    ├── MachineError            2  too little memory, disk space or open files            (RuntimeError)
    ├── DivergedError           2  a training loss became infinite or not a number        (ArithmeticError)
    ├── MissingPackageError     4  a needed package is not installed                      (ImportError)
    ├── ModelError              5  a Keras model is damaged or not a digit classifier     (ValueError)
    └── DataError               6  the data is missing, damaged or unsuitable             (ValueError)
"""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Iterable
from pathlib import Path

from mnist_runtime.errors import MachineError, MissingPackageError, ModelError, OutputError, ToolkitError, UsageError

__all__ = [
    "DataError",
    "DivergedError",
    "MachineError",
    "MissingPackageError",
    "ModelError",
    "OutputError",
    "UsageError",
    "nearest_name",
    "nearest_path",
    "require_extras",
]

EXTRAS: dict[str, dict[str, str]] = {
    "plots": {"matplotlib": "matplotlib"},
    "robustness": {"skimage": "scikit-image"},
    "sweep": {"matplotlib": "matplotlib", "optuna": "optuna"},
}
"""Extra of mnist-edge-export -> its requirements, as module -> package. A test compares it with ``pyproject.toml``."""


ALIKE = 0.75
"""Smallest similarity, 0..1, for which a file name is suggested. Equal suffixes alone often give 0.6."""


class DataError(ToolkitError, ValueError):
    """A data set is missing, damaged or unsuitable."""

    exit_code = 6
    page = "how-to/own-data.md#forms-that-are-read"


class DivergedError(ToolkitError, ArithmeticError):
    """A training loss became infinite or not a number."""

    exit_code = 2


def nearest_name(name: str, known: Iterable[str]) -> str:
    """Return a question that suggests the entry of `known` most similar to `name`; an empty string if none is similar.

    Examples
    --------
    >>> nearest_name("lenett", ["cnn", "lenet"])
    ' Did you mean lenet?'
    >>> nearest_name("vgg", ["cnn", "lenet"])
    ''
    """
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean {found[0]}?" if found else ""


def nearest_path(path: str | Path) -> str:
    """Return a question that suggests the existing path most similar to the missing `path`, or an empty string.

    Only one part of `path` may be misspelled.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "digits.keras").touch()
    >>> nearest_path(folder / "digits.kears") == f" Did you mean {folder / 'digits.keras'}?"
    True
    """
    path = Path(path)
    folder = Path(path.anchor)
    for index, part in enumerate(path.parts[len(folder.parts) :], start=len(folder.parts) + 1):
        try:
            if (folder / part).exists():
                folder /= part
                continue
            names = [entry.name for entry in folder.iterdir()]
        except (OSError, ValueError):
            return ""
        for name in difflib.get_close_matches(part, names, cutoff=ALIKE):
            candidate = folder.joinpath(name, *path.parts[index:])
            if candidate.exists():
                return f" Did you mean {candidate}?"
        return ""
    return ""


def require_extras(**purposes: str) -> None:
    """Check that the packages of extras are installed, before long work begins that needs them.

    Parameters
    ----------
    **purposes : str
        Extra of ``mnist-edge-export`` -> option or feature that needs it. A command passes all of them in one call,
        so that the error message contains one command that installs everything.

    Raises
    ------
    MissingPackageError
        If a package is not installed.
    """
    missing = {
        extra: [package for module, package in EXTRAS[extra].items() if importlib.util.find_spec(module) is None]
        for extra in purposes
    }
    missing = {extra: packages for extra, packages in missing.items() if packages}
    if missing:
        needs = ", ".join(f"{purposes[extra]} needs {' and '.join(packages)}" for extra, packages in missing.items())
        raise MissingPackageError(f"{needs}. Install with: pip install 'mnist-edge-export[{','.join(missing)}]'")
