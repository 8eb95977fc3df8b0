"""`make_room_for`, `drafts_beside`: a file that can be written, and appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mnist_trainer.errors import UsageError

__all__ = ["drafts_beside", "make_room_for"]

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


@contextlib.contextmanager
def drafts_beside(path: Path) -> Iterator[Path]:
    """Yield a hidden folder beside `path`; what lies in it when the block ends well is moved to where `path` is.

    Files that were there under the same names are replaced. Should the block fail, nothing is changed.

    Raises
    ------
    UsageError
        If something cannot be written: the disk is full, or a quota used up.
    """
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            yield Path(folder)
            for draft in sorted(Path(folder).iterdir()):
                with draft.open("rb") as file:
                    os.fsync(file.fileno())  # a rename must not overtake the data
                draft.replace(path.parent / draft.name)
    except OSError as error:
        raise UsageError(
            f"Expected to write {path}, received {error.strerror or error}; make room, or choose another --output."
        ) from error
