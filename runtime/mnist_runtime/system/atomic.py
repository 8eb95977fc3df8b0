"""Write files so that each is complete or unchanged: write beside the destination, sync to disk, rename."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mnist_runtime.errors import OutputError, UsageError

__all__ = [
    "atomic_files",
    "atomic_write",
    "check_output_path",
    "move_folder_into_place",
    "move_into_place",
    "staging_folder",
]

LONGEST_NAME = 230
"""Bytes of a file name; file systems allow 255, and temporary names are longer."""


@contextlib.contextmanager
def staging_folder(folder: Path) -> Iterator[Path]:
    """Yield a new hidden folder inside `folder`; delete it at the end of the block.

    Raises
    ------
    OutputError
        If it cannot be created, or the block raises an `OSError`, such as for a full disk.
    """
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".mnist-") as name:
            yield Path(name)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"Cannot write into {folder}: {error.strerror or error}. Free some space or choose another folder."
        ) from error


def move_into_place(staged: Path, folder: Path, last: str = "") -> None:
    """Move every file of `staged` into `folder`, replacing existing ones.

    Each file is first synced to disk, so that a crash leaves no empty file. The file named `last`, which needs the
    others, is moved last.
    """
    for file in sorted(staged.iterdir(), key=lambda file: (file.name == last, file.name)):
        with file.open("rb") as content:
            os.fsync(content.fileno())
        file.replace(folder / file.name)


def move_folder_into_place(staged: Path, folder: Path, last: str = "") -> None:
    """Move the folder `staged` to `folder`, all at once; if that exists, replace its files of the same names.

    Each file is first synced to disk. Into an existing folder, files named `last` are moved last; others stay.
    """
    files = sorted((path for path in staged.rglob("*") if path.is_file()), key=lambda file: (file.name == last, file))
    for file in files:
        with file.open("rb") as content:
            os.fsync(content.fileno())
    if not folder.exists():
        staged.rename(folder)
        return
    for file in files:
        place = folder / file.relative_to(staged)
        place.parent.mkdir(parents=True, exist_ok=True)
        file.replace(place)


@contextlib.contextmanager
def atomic_files(folder: Path) -> Iterator[Path]:
    """Yield a `staging_folder`; if the block succeeds, move its files into `folder`, else change nothing.

    Examples
    --------
    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic_files(folder) as staged:
    ...     _ = (staged / "a.txt").write_text("a")
    ...     _ = (staged / "b.txt").write_text("b")
    >>> sorted(file.name for file in folder.iterdir())
    ['a.txt', 'b.txt']
    """
    with staging_folder(folder) as staged:
        yield staged
        move_into_place(staged, folder)


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path; if the block succeeds, the file written there replaces `path`, else nothing changes.

    Raises
    ------
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> path = Path(tempfile.mkdtemp()) / "notes.txt"
    >>> with atomic_write(path) as temporary:
    ...     _ = temporary.write_text("done")
    >>> path.read_text()
    'done'
    """
    with atomic_files(path.parent) as staged:
        yield staged / path.name


def check_output_path(path: Path) -> None:
    """Check that a file can be written at `path`, and create the folders above it.

    Raises
    ------
    UsageError
        If `path` is a folder, or a folder above it cannot be created or written into, or the name is impossible.
    """
    folder = path.parent
    try:
        str(path).encode()  # a name that is not Unicode cannot be printed
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"Cannot create the output folder {folder}: {error.strerror}. Choose another path.") from error
    except UnicodeEncodeError as error:
        raise UsageError(f"The output path {str(path)!r} is not valid Unicode. Rename it.") from error
    if len(path.name.encode()) > LONGEST_NAME:
        raise UsageError(f"The output name {path.name} is longer than {LONGEST_NAME} bytes. Choose a shorter name.")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"The output folder {folder} is read-only. Choose another path.")
    if path.is_dir():
        raise UsageError(f"The output file {path} is a folder. Move it away or choose another path.")
