"""Load the pixels of a file, a Pillow image or an array."""

from __future__ import annotations

import contextlib
import functools
import io
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import BackendError, PictureError, UsageError
from mnist_runtime.preprocess.bounds import MOST_BYTES, check_content, nested_limit, open_picture
from mnist_runtime.preprocess.grayscale import MAX_PIXELS
from mnist_runtime.preprocess.pixels import as_picture, stretched
from mnist_runtime.system.forks import hold_while_forking
from mnist_runtime.system.machine import raise_machine_failure
from mnist_runtime.system.packages import install_command
from mnist_runtime.system.stderr import quiet_stderr

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["decode_picture", "image_pixels", "load_pixels", "read_picture", "read_stdin"]

WARNINGS_LOCK = threading.RLock()
"""Held while warnings are off: the filters belong to the process."""
hold_while_forking(WARNINGS_LOCK)
PROGRAM_FORMATS = ("EPS",)
"""Formats that Pillow passes to another program, such as Ghostscript."""
ORIENTATION = 0x0112
"""EXIF tag; 1 means upright."""


def load_pixels(picture: npt.ArrayLike | str | Path | Image.Image) -> npt.NDArray[np.uint8]:
    """Return the pixels of a file, a Pillow image or an array."""
    if isinstance(picture, (str, Path)):
        return read_picture(picture)
    if hasattr(picture, "getexif"):  # a Pillow image
        return image_pixels(cast("Image.Image", picture))
    return as_picture(cast("npt.ArrayLike", picture), most=4 * MAX_PIXELS)


def read_picture(path: str | Path) -> npt.NDArray[np.uint8]:
    """Read a picture file, rotated by its EXIF orientation, or an array in an .npy file.

    HEIC files need pillow-heif.

    Returns
    -------
    ndarray of shape (h, w), (h, w, 3) or (h, w, 4), dtype uint8
        Gray, RGB, or RGB with alpha; an array as it is.

    Raises
    ------
    BackendError
        If Pillow is not installed.
    PictureError
        If the file is missing, not a picture, not a regular file, damaged or too large.
    """
    name = str(path) or "''"
    with open_picture(path, name) as file:
        return _read(file, name)


def read_stdin() -> npt.NDArray[np.uint8]:
    """Read a picture from the standard input, as `read_picture` does."""
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("There is no picture on stdin. Pipe one into the command, or give a file.")
    content = sys.stdin.buffer.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise PictureError(f"stdin has more than {MOST_BYTES:,} bytes. Give a smaller picture.")
    return _read(io.BytesIO(content), "stdin")


def decode_picture(content: bytes, name: str) -> npt.NDArray[np.uint8]:
    """Return the pixels of the content of a file, as `read_picture` does; `name` is for messages."""
    return _read(io.BytesIO(content), name)


def _read(source: BinaryIO, name: str) -> npt.NDArray[np.uint8]:
    """Read an open file; `name` is for messages."""
    try:
        import PIL.Image  # noqa: F401
    except ImportError as error:
        missing = BackendError(f"Reading picture files needs Pillow. Install it with: {install_command('images')}")
        missing.__cause__ = error
        return _read_other(source, name, missing)
    try:
        with _pillow_errors(), _opened(source) as picture:
            return _decoded(picture)
    except PictureError as error:
        if error.__cause__ is None:
            raise PictureError(f"{name}: {error}") from error
        return _read_other(source, name, error)


@contextlib.contextmanager
def _opened(source: BinaryIO) -> Iterator[Image.Image]:
    """Open a file with Pillow."""
    from PIL import Image

    with nested_limit(None, check_content(source)):
        picture = Image.open(source)
    with picture:
        yield picture


def _read_other(source: BinaryIO, name: str, failure: PictureError | BackendError) -> npt.NDArray[np.uint8]:
    """Read a file that Pillow cannot read: an array, or a HEIC picture with pillow-heif.

    Raises
    ------
    PictureError
        If it is of any other kind. The message states the kind.
    BackendError
        If it is `failure`.
    """
    from mnist_runtime.preprocess import other_files  # few pictures need it

    head = other_files.first_bytes(source)
    if head.startswith(other_files.NUMPY):
        return other_files.read_array(source, name)
    format = other_files.heif_format(head)
    if format and isinstance(failure, PictureError):
        from PIL import Image

        if format == "an AVIF" and "AVIF" in Image.SAVE:  # so Pillow knows it, and the file is damaged
            raise PictureError(f"{name}: {failure}") from failure
        other_files.register_heif(format, name)
        try:
            with _pillow_errors(), _opened(source) as picture:
                return _decoded(picture)
        except PictureError as error:
            raise PictureError(f"{name}: {error}") from error
    if isinstance(failure, BackendError):
        other_files.reject(head, name)
        raise failure
    if type(failure.__cause__).__name__ == "UnidentifiedImageError" or not other_files.is_text(head):
        other_files.reject(head, name)
    raise PictureError(f"{name}: {failure}") from failure


def image_pixels(picture: Image.Image) -> npt.NDArray[np.uint8]:
    """Return the pixels of a Pillow image, as `read_picture` does."""
    with _pillow_errors():
        file = getattr(picture, "fp", None)
        if file is not None:  # not decoded yet
            check_content(file)
        return _decoded(picture)


@contextlib.contextmanager
def _pillow_errors() -> Iterator[None]:
    """Raise every error of Pillow as a `PictureError`, and hide its warnings."""
    _hide_pillow_log()
    with WARNINGS_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except PictureError:
            raise
        except Exception as error:  # Pillow's decoders raise errors of any type
            raise_machine_failure(error)
            text = str(getattr(error, "strerror", None) or error) or type(error).__name__
            reason = "".join(character if character.isprintable() else "?" for character in text[:200])
            raise PictureError(f"The picture cannot be read ({reason}). Check the file.") from error


@functools.cache
def _hide_pillow_log() -> None:
    """Keep Pillow's log messages off stderr if the program has not configured logging."""
    import logging  # slow to import

    logging.getLogger("PIL").addHandler(logging.NullHandler())


def _decoded(picture: Image.Image) -> npt.NDArray[np.uint8]:
    if not 0 < picture.width * picture.height <= MAX_PIXELS:
        raise PictureError(
            f"The picture has {picture.width} x {picture.height} pixels, but 1 to {MAX_PIXELS:,} are allowed. "
            "Resize it."
        )
    if picture.format in PROGRAM_FORMATS:
        raise PictureError(f"{picture.format} files hold a program, not pixels. Save the picture as PNG.")
    _load(picture)
    upright = picture
    if picture.getexif().get(ORIENTATION, 1) != 1:
        from PIL import ImageOps  # few pictures need it

        upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I;16") or upright.mode in ("I", "F"):
        return stretched(np.asarray(upright))
    if upright.mode in ("1", "L"):
        return np.asarray(upright.convert("L"))
    opaque = upright.mode == "RGB" and "transparency" not in upright.info
    return np.asarray(upright if opaque else upright.convert("RGBA"))


def _load(picture: Image.Image) -> None:
    """Decode the picture, without the messages that libtiff writes to stderr."""
    if picture.format != "TIFF":
        with nested_limit(picture.format):
            picture.load()
        return
    with quiet_stderr(), _pillow_errors():
        picture.load()
