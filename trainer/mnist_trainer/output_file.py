"""`make_room_for`: be sure that a file can be written, before minutes of work depend on it."""

from __future__ import annotations

import os
from pathlib import Path

from mnist_trainer.errors import UsageError

__all__ = ["make_room_for"]

LONGEST = 230
"""Bytes of a name that leave room, in the 255 that file systems take, for a draft's longer name beside the file."""


def make_room_for(path: Path) -> None:
    """Make the folders above `path`, unless they are there.

    Raises
    ------
    UsageError
        If they cannot be made or written into, `path` is itself a folder, or has a name that no file can have.
    """
    folder = path.parent
    try:
        str(path).encode()  # what is not Unicode could not be printed
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"Expected an output folder that can be made, received {folder} ({error.strerror})."
        ) from error
    except UnicodeEncodeError as error:
        raise UsageError(f"Expected an output path in Unicode, received {str(path)!r}; rename it.") from error
    if len(path.name.encode()) > LONGEST:
        raise UsageError(
            f"Expected an output name of at most {LONGEST} bytes, received {path.name}; choose a shorter --output."
        )
    if not os.access(folder, os.W_OK):
        raise UsageError(f"Expected an output folder that can be written, received {folder}, which cannot.")
    if path.is_dir():
        raise UsageError(f"Expected an output file, but {path} is a folder; move it away or choose another --output.")
