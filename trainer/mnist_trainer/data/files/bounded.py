"""Size limits of data sets; read the bytes of a file, compressed with gzip or not, up to a limit."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from mnist_runtime.errors import raise_machine_failure
from mnist_trainer.errors import DataError

__all__ = ["MOST_BYTES", "MOST_IMAGES", "head", "open_unpacked", "unpacked"]

MOST_IMAGES = 500_000
"""Largest number of images in a data set. EMNIST digits has 280,000."""
MOST_BYTES = 2 << 30
"""Largest size of a decompressed file, in bytes. MNIST's 60,000 images take 47 MB as uint8 and 376 MB as float64."""

GZIP = b"\x1f\x8b"
HEAD = 1 << 16
"""Largest number of bytes that `head` returns."""


@contextmanager
def open_unpacked(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, and decompress it if its content is gzip, whatever its name.

    Raises
    ------
    DataError
        If it cannot be opened, or reading fails inside the ``with`` block.
    """
    try:
        with path.open("rb") as file:
            is_packed = file.read(2) == GZIP
            file.seek(0)
            if is_packed:
                with gzip.GzipFile(fileobj=file) as packed:
                    yield cast(BinaryIO, io.BufferedReader(packed, HEAD))
            else:
                yield file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path}: The gzip file ends early or is damaged ({error}). Copy or download it again."
        ) from error
    except OSError as error:
        raise_machine_failure(error)
        raise DataError(f"{path}: The file cannot be read ({error.strerror or error}). Check the path.") from error


def unpacked(path: Path) -> bytes:
    """Return the bytes of a file, decompressed.

    Raises
    ------
    DataError
        If there are more than `MOST_BYTES`, or the file cannot be read.
    """
    with open_unpacked(path) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise DataError(f"{path}: The file holds more than {MOST_BYTES >> 30} GiB. Give a part of it.")
    return content


def head(path: Path) -> bytes:
    """Return the first 64 KiB of a file, decompressed."""
    with open_unpacked(path) as file:
        return file.read(HEAD)
