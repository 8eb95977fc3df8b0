"""The errors of all three packages, in one tree. A command ends with the exit code of its error.

::

    ToolkitError                1  base of all
    ├── UsageError              2  an argument or option is wrong                         (ValueError)
    ├── OutputError             2  a file cannot be written                               (OSError)
    ├── MissingPackageError     4  a needed package is not installed                      (ImportError)
    ├── BackendError            4  no interpreter that runs the file works here           (ImportError)
    ├── ModelError              5  a Keras model is damaged or not a digit classifier     (ValueError)
    ├── ArtifactError           5  an exported file is damaged or incompatible            (ValueError)
    │   └── UnsealedError       5  the file does not end with its digest
    └── PictureError            6  a picture is missing, unreadable or unsuitable         (ValueError)
        └── BlankError          6  a picture shows nothing

`mnist_trainer.errors` and `mnist_exporters.errors` add what only they raise. Each message says what is wrong and what
to do.
"""

from __future__ import annotations

import re
from typing import ClassVar

__all__ = [
    "ArtifactError",
    "BackendError",
    "BlankError",
    "MissingPackageError",
    "ModelError",
    "OutputError",
    "PictureError",
    "ToolkitError",
    "UnsealedError",
    "UsageError",
    "first_line",
]


WRAPPER = re.compile(r"Exception encountered when calling|\s*$")
KERAS_CAUSE = "Exception encountered: "
COLOURS = re.compile(r"\x1b\[\d*m")


class ToolkitError(Exception):
    """An error that the user can fix; a command prints its message and ends with its `exit_code`."""

    exit_code: ClassVar[int] = 1


class UsageError(ToolkitError, ValueError):
    """An argument of a function or an option of a command is wrong."""

    exit_code = 2


class OutputError(ToolkitError, OSError):
    """A file cannot be written: the disk is full, or the folder is missing or read-only."""

    exit_code = 2


class MissingPackageError(ToolkitError, ImportError):
    """A needed package is not installed; the message has the line that installs it."""

    exit_code = 4


class BackendError(ToolkitError, ImportError):
    """The interpreter that is needed is not installed, or cannot work in this process."""

    exit_code = 4


class ModelError(ToolkitError, ValueError):
    """A Keras model is missing, damaged or not a digit classifier."""

    exit_code = 5


class ArtifactError(ToolkitError, ValueError):
    """An exported file is missing, damaged, incompatible or not made by this toolkit."""

    exit_code = 5


class UnsealedError(ArtifactError):
    """A file does not end with its digest: another tool made it, or its end is missing."""


class PictureError(ToolkitError, ValueError):
    """A picture is missing, unreadable, blank or of an unsuitable shape."""

    exit_code = 6


class BlankError(PictureError):
    """A picture shows nothing but background."""


def first_line(error: BaseException | str) -> str:
    r"""Return the first line that says what is wrong in another library's error message, at most 300 characters.

    Messages of converters and interpreters can fill a screen. Keras wraps an error in a line of its own and appends
    whole configurations; the innermost cause is returned then.

    Examples
    --------
    >>> first_line(ValueError("no such operator: Foo\n  at 0x7f31 in libfoo.so"))
    'no such operator: Foo'
    >>> first_line(ValueError("Exception encountered when calling Dense.call().\n\nNo weights.\n\nArguments: ..."))
    'No weights.'
    >>> first_line(KeyError())
    'KeyError'
    """
    lines = COLOURS.sub("", str(error)).splitlines()
    causes = [line.rpartition(KERAS_CAUSE)[2] for line in lines if KERAS_CAUSE in line]
    first = next((line for line in lines if not WRAPPER.match(line)), type(error).__name__)
    return (causes[-1] if causes else first.strip())[:300]
