"""Everything that can be expected to go wrong, as a small tree.

::

    ToolkitError                    base of the trees of all three packages; knows its exit code
    └── RuntimePackageError         base of this package
        ├── ArtifactError           5  the file is damaged or incompatible              (ValueError)
        │   └── UnsealedError       5  the file is another tool's, or cut off
        ├── BackendError            4  no interpreter that can run it is installed      (ImportError)
        ├── PictureError            6  a picture is missing, unreadable or blank        (ValueError)
        │   └── BlankError          6  nothing is on it
        └── UsageError              2  the call itself is wrong                         (ValueError)

Each message says what was expected, what was received and what to do about it.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "ArtifactError",
    "BackendError",
    "BlankError",
    "PictureError",
    "RuntimePackageError",
    "ToolkitError",
    "UnsealedError",
    "UsageError",
]


class ToolkitError(Exception):
    """An error that a user can understand and mend; a command ends with its `exit_code`."""

    exit_code: ClassVar[int] = 1


class RuntimePackageError(ToolkitError):
    """Base of the errors of `mnist_runtime`."""


class ArtifactError(RuntimePackageError, ValueError):
    """A model file is damaged, incompatible or not an artifact of this toolkit."""

    exit_code = 5


class UnsealedError(ArtifactError):
    """A file does not end with a digest: another tool made it, or its end is missing."""


class BackendError(RuntimePackageError, ImportError):
    """The interpreter that is needed is not installed, or cannot work in this process."""

    exit_code = 4


class PictureError(RuntimePackageError, ValueError):
    """A picture is missing, unreadable, blank or of an unsuitable shape."""

    exit_code = 6


class BlankError(PictureError):
    """A picture shows nothing but paper."""


class UsageError(RuntimePackageError, ValueError):
    """A function or command was called with an impossible argument."""

    exit_code = 2
