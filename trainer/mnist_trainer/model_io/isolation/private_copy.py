"""Copy a model file or folder to a private folder, with size limits, and compute its SHA-256.

The original is read only once. The same bytes are then checked, hashed and loaded, even if the original changes.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mnist_runtime.errors import raise_machine_failure
from mnist_trainer.errors import ModelError
from mnist_trainer.model_io.file_kinds import HDF5

__all__ = ["MOST_BYTES", "PrivateCopy", "digest", "files_below", "private_copy"]

MOST_BYTES = 1 << 30
"""Largest size of a model in bytes, compressed or not. The largest networks for small images have a tenth of that."""

MOST_FILES = 1000
"""Largest number of files in a SavedModel folder. Usually there are four to ten."""

BLOCK = 1 << 20


class PrivateCopy(NamedTuple):
    """Path of the copy of a model, and the SHA-256 of its bytes; see `digest`."""

    path: Path
    sha256: str


def digest(path: Path, copy: Path | None = None) -> str:
    """Return the SHA-256 of a file; of a folder, that of the lines ``<sha256>  <relative path>``, sorted by path.

    Parameters
    ----------
    path : Path
        A file or folder.
    copy : Path, optional
        Path to which the hashed bytes are also written.

    Raises
    ------
    ModelError
        If there are more than `MOST_BYTES` or `MOST_FILES`, or something is not a regular file.
    MachineError
        If the copy cannot be written, for example because the disk is full.
    """
    try:
        if not path.is_dir():
            return _digest_of_file(path, copy, MOST_BYTES)[0]
        lines, remaining, files = [], MOST_BYTES, files_below(path)
        if (size := sum(file.stat().st_size for _, file in files)) > MOST_BYTES:
            raise _too_large(path.name, size)
        for name, file in files:
            sha256, size = _digest_of_file(file, copy / name if copy else None, remaining)
            remaining -= size
            lines.append(f"{sha256}  {name}\n")
    except OSError as error:
        raise_machine_failure(error)
        raise ModelError(f"The model {path} cannot be read: {error.strerror}. Check its permissions.") from error
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


@contextmanager
def private_copy(path: Path) -> Iterator[PrivateCopy]:
    """Yield a copy of a model in a temporary folder that only this user can open. The folder is deleted at the end.

    Raises
    ------
    ModelError, MachineError
        See `digest`.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="mnist-", ignore_cleanup_errors=True)
    except OSError as error:
        raise_machine_failure(error)
        raise
    with folder as name:
        copy = Path(name, "model")
        sha256 = digest(path, copy)
        if copy.is_file():
            with copy.open("rb") as file:
                suffix = ".h5" if file.read(len(HDF5)) == HDF5 else ".keras"  # Keras chooses its reader by the suffix
            copy = copy.rename(copy.with_suffix(suffix))
        yield PrivateCopy(copy, sha256)


def files_below(folder: Path) -> list[tuple[str, Path]]:
    """Return (relative path, path) of each file below `folder`, sorted by relative path.

    Raises
    ------
    ModelError
        If there are more than `MOST_FILES`.
    """
    found: list[tuple[str, Path]] = []
    for file in folder.rglob("*"):
        if file.is_file():
            found.append((file.relative_to(folder).as_posix(), file))
        if len(found) > MOST_FILES:
            raise ModelError(f"The folder has more than {MOST_FILES:,} files. Give the folder of the SavedModel alone.")
    return sorted(found)


def _digest_of_file(path: Path, copy: Path | None, most: int) -> tuple[str, int]:
    """Return the SHA-256 and the size of a regular file of at most `most` bytes, and copy it."""
    # O_NONBLOCK: if the path is a pipe, opening it must not block. It is rejected afterwards.
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(number, "rb") as source:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode):
            raise ModelError(f"{path.name} is not a regular file. Save the model into a file.")
        if status.st_size > most:
            raise _too_large(path.name, status.st_size)
        if copy is None:
            return _copy(source, None, status.st_size)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with copy.open("xb") as target:
            return _copy(source, target, status.st_size)


def _too_large(name: str, size: int) -> ModelError:
    return ModelError(
        f"The model has more than {MOST_BYTES / 2**30:,.3g} GiB ({name} has {size / 2**30:,.1f} GiB). No model of "
        "small images is that large."
    )


def _copy(source: BinaryIO, target: BinaryIO | None, size: int) -> tuple[str, int]:
    """Copy at most `size` bytes, even if the file grows meanwhile; return their SHA-256 and their number."""
    sha256, remaining = hashlib.sha256(), size
    while remaining > 0 and (block := source.read(min(BLOCK, remaining))):
        sha256.update(block)
        remaining -= len(block)
        if target:
            target.write(block)
    return sha256.hexdigest(), size - remaining
