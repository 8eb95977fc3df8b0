"""Limits of picture files that are checked before anything is decoded."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from mnist_runtime.errors import PictureError, UsageError, raise_machine_failure
from mnist_runtime.preprocess.grayscale import MAX_PIXELS

__all__ = ["BinaryFile", "check_content", "copy_of", "nested_limit", "open_picture"]

MOST_BYTES = 1 << 28
"""Largest file: an uncompressed picture of the largest size is smaller."""
MOST_SCANS = 1000
"""Most scans of a JPEG. Progressive files have about ten."""
MOST_CHUNKS = 100_000
"""Most chunks of a PNG. Encoders write 4 kB or more into each."""
LARGEST_ICON, MOST_ICONS = 1 << 25, 64
"""Most bytes of an icon file, and most pictures in it."""
PIECE = 1 << 20
"""Bytes of a file that are searched at once."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"
NESTING = ("ICO", "ICNS", "CUR", "BLP", "IPTC")
"""Formats that contain files of other formats, which may be larger than the first header states."""
ICONS = (b"\0\0\1\0", b"icns")
"""First bytes of icon formats. Pillow decodes some of them already when it opens them."""


class BinaryFile(Protocol):
    """An open file or a stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end."""
        ...


def open_picture(path: str | Path, name: str) -> BinaryIO:
    """Open a regular file of at most `MOST_BYTES`.

    Raises
    ------
    PictureError
        If it does not exist, is a folder, a pipe or a device, or is larger.
    """
    try:
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115  # the caller closes it
    except FileNotFoundError as error:
        raise PictureError(f"{name} does not exist. Check its name.") from error
    except IsADirectoryError as error:
        raise PictureError(f"{name} is a folder. Give the pictures in it.") from error
    except (OSError, ValueError) as error:  # such as a NUL character in the name
        reason = getattr(error, "strerror", None) or error
        raise PictureError(f"{name} cannot be opened ({reason}). Check the file.") from error
    facts = os.fstat(file.fileno())
    if stat.S_ISREG(facts.st_mode) and facts.st_size <= MOST_BYTES:
        return file
    file.close()
    if stat.S_ISREG(facts.st_mode):
        raise PictureError(
            f"{name} has {facts.st_size:,} bytes, but at most {MOST_BYTES:,} are allowed. Give a smaller picture."
        )
    raise PictureError(f"{name} is a pipe or a device, not a file. For a picture from a pipe, give - and use stdin.")


def copy_of(file: BinaryFile, name: str) -> io.BytesIO:
    """Read at most `MOST_BYTES` of an open file into memory. Pillow needs a seekable file.

    Raises
    ------
    PictureError
        If there are more bytes, or they cannot be read.
    UsageError
        If the file was not opened to read bytes.
    """
    content = io.BytesIO()
    try:
        while content.write(file.read(PIECE)):
            if content.tell() > MOST_BYTES:
                raise PictureError(f"{name} has more than {MOST_BYTES:,} bytes. Give a smaller picture.")
    except PictureError:
        raise
    except (TypeError, UnicodeDecodeError, io.UnsupportedOperation) as error:  # text, or opened for writing
        raise UsageError(f"{name} is not open for reading bytes. Open it with the mode 'rb'.") from error
    except Exception as error:  # a closed file, a damaged archive, a lost connection: of any type
        if not isinstance(error, OSError):
            raise_machine_failure(error)
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise PictureError(f"{name} cannot be read ({reason}). Check the file.") from error
    return content


def _without_waiting(path: str, flags: int) -> int:
    """Open a path with O_NONBLOCK: otherwise, a pipe would wait for its writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


@contextlib.contextmanager
def nested_limit(format: str | None, head: bytes = b"") -> Iterator[None]:
    """Let Pillow reject pictures inside a file of this format, or with these first bytes, that are too large."""
    if format not in NESTING and not head.startswith(ICONS):
        yield
        return
    from PIL import Image

    usual, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, MAX_PIXELS // 2  # Pillow accepts twice as many
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = usual


def check_content(file: BinaryIO) -> bytes:
    """Reject JPEG, PNG and icon files that take minutes to decode, and a damaged PNG, whose checksums Pillow ignores.

    Parameters
    ----------
    file : file object
        A picture file of any format; its position stays.

    Returns
    -------
    bytes
        The first bytes of the file.

    Raises
    ------
    PictureError
        If it is one of these.
    """
    position = file.tell()
    file.seek(0)
    head = file.read(len(SIGNATURE))
    if head.startswith(b"\xff\xd8"):
        _check_scans(file)
    elif head == SIGNATURE:
        _check_chunks(file, 0)
    elif head.startswith(ICONS):
        _check_icons(file)
    file.seek(position)
    return head


def _check_scans(file: BinaryIO) -> None:
    scans = sum(piece.count(b"\xff\xda") for piece in iter(functools.partial(file.read, PIECE), b""))
    if scans > MOST_SCANS:
        raise PictureError(f"The JPEG file has {scans} scans, but at most {MOST_SCANS} are allowed. Save it again.")


def _check_icons(file: BinaryIO) -> None:
    file.seek(0)
    content = file.read(LARGEST_ICON + 1)
    count = content.count(SIGNATURE)
    if len(content) > LARGEST_ICON or count > MOST_ICONS:
        raise PictureError(
            f"The icon has more than {LARGEST_ICON:,} bytes or {MOST_ICONS} pictures. Save one of them as PNG."
        )
    place = -1
    for _ in range(count):
        place = content.index(SIGNATURE, place + 1)
        _check_chunks(file, place)


def _check_chunks(file: BinaryIO, start: int) -> None:
    """Compare the checksum of each chunk of the PNG that begins at `start`."""
    file.seek(start + len(SIGNATURE))
    for _ in range(MOST_CHUNKS):
        head = file.read(8)
        remaining, kind = int.from_bytes(head[:4], "big"), head[4:]
        checksum = zlib.crc32(kind)
        while remaining > 0 and (piece := file.read(min(remaining, PIECE))):
            checksum = zlib.crc32(piece, checksum)
            remaining -= len(piece)
        expected = file.read(4)
        if len(expected) < 4:  # the end is missing, which Pillow reports
            return
        if int.from_bytes(expected, "big") != checksum:
            raise PictureError("The PNG file is damaged: a checksum differs. Copy or save it again.")
        if kind == b"IEND":
            return
    raise PictureError(f"The PNG file has more than {MOST_CHUNKS:,} chunks. Save it again.")
