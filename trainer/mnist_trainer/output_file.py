"""`make_room_for`: be sure that a file can be written, before minutes of work depend on it."""

from __future__ import annotations

import os
from pathlib import Path

from mnist_trainer.errors import UsageError

__all__ = ["make_room_for"]


def make_room_for(path: Path) -> None:
    """Make the folders above `path`, unless they are there.

    Raises
    ------
    UsageError
        If they cannot be made or written into, or `path` is itself a folder.
    """
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"Expected an output folder that can be made, received {folder} ({error.strerror})."
        ) from error
    if not os.access(folder, os.W_OK):
        raise UsageError(f"Expected an output folder that can be written, received {folder}, which cannot.")
    if path.is_dir():
        raise UsageError(f"Expected an output file, but {path} is a folder; move it away or choose another --output.")
