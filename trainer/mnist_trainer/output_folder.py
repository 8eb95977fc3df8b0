"""`make_output_folder`: have a folder to write into, before minutes of work depend on it."""

from __future__ import annotations

import os
from pathlib import Path

from mnist_trainer.errors import UsageError

__all__ = ["make_output_folder"]


def make_output_folder(folder: Path) -> None:
    """Make `folder` and those above it, unless they are there.

    Raises
    ------
    UsageError
        If it cannot be made or written into.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"Expected an output folder that can be made, received {folder} ({error.strerror})."
        ) from error
    if not os.access(folder, os.W_OK):
        raise UsageError(f"Expected an output folder that can be written, received {folder}, which cannot.")
