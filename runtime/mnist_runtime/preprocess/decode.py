"""Load the pixels of a picture: a file, its content in memory, a Pillow image or an array."""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import (
    BackendError,
    PictureError,
    UsageError,
    install_command,
    printable,
    raise_machine_failure,
)
from mnist_runtime.preprocess.bounds import BinaryFile, check_content, copy_of, nested_limit, open_picture
from mnist_runtime.preprocess.grayscale import MAX_PIXELS, check_picture, without_padding
from mnist_runtime.preprocess.pixels import as_picture, stretched
from mnist_runtime.system.process import hold_while_forking, quiet_stderr

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "PictureSource",
    "decode_picture",
    "image_pixels",
    "load_pixels",
    "pillow_image",
    "read_picture",
    "read_stdin",
]

PictureSource: TypeAlias = "npt.ArrayLike | str | Path | Image.Image | BinaryFile"
"""Types of a picture. For the type checker, bytes are an `npt.ArrayLike`."""
WARNINGS_LOCK = threading.RLock()
"""Held while warnings are off: their filters belong to the whole process."""
hold_while_forking(WARNINGS_LOCK)
PROGRAM_FORMATS = ("EPS",)
"""Formats that Pillow passes to another program, such as Ghostscript."""
ORIENTATION = 0x0112
"""EXIF tag; 1 means upright."""
IN_MEMORY = "The picture"
"""Name in messages of a picture without a file name."""
LONGEST_NAME = 100
"""Characters of the name of an open file in messages: that of an upload comes from the client."""


def load_pixels(picture: PictureSource) -> npt.NDArray[np.uint8]:
    """Return the pixels of a file, the content of one, a Pillow image or an array.

    Parameters
    ----------
    picture : array_like, str, Path, bytes, bytearray, memoryview, file object or PIL.Image.Image
        Text is the path of a file. Bytes are the content of a file, such as a PNG; so is a one-dimensional memoryview
        of bytes. A file object is read from its beginning, if it can be rewound.

    Raises
    ------
    UsageError
        If it has another type, or the file object is not open for reading bytes.
    PictureError, BackendError
        As from `read_picture`.

    Examples
    --------
    >>> load_pixels(b"P2 3 1 255 0 128 255").tolist()
    [[0, 128, 255]]
    """
    if isinstance(picture, (str, Path)):
        return read_picture(picture)
    if hasattr(picture, "getexif"):  # a Pillow image
        return image_pixels(cast("Image.Image", picture))
    if isinstance(picture, (bytes, bytearray)):
        return decode_picture(picture, IN_MEMORY)
    if isinstance(picture, memoryview) and _is_content(picture):
        return decode_picture(picture.tobytes(), IN_MEMORY)
    if hasattr(picture, "read"):
        return _read_open(picture)
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
    return _read(copy_of(sys.stdin.buffer, "stdin"), "stdin")


def decode_picture(content: bytes | bytearray | memoryview, name: str) -> npt.NDArray[np.uint8]:
    """Return the pixels of the content of a file, as `read_picture` does; `name` is for messages."""
    return _read(copy_of(io.BytesIO(content), name), name)


def _is_content(view: memoryview) -> bool:
    """Return whether a view holds the bytes of a file; other views are arrays."""
    try:
        return (view.ndim, view.format) == (1, "B")
    except ValueError:  # it was released; NumPy will report that
        return False


def _name_of(file: Any) -> str:
    """Return the name of an open file or an upload for messages."""
    name = None
    with contextlib.suppress(Exception):  # such as an object that has no name yet
        name = (not isinstance(file, io.IOBase) and getattr(file, "filename", None)) or getattr(file, "name", None)
    return printable(name[:LONGEST_NAME]) if isinstance(name, str) and name else IN_MEMORY


def _read_open(file: Any) -> npt.NDArray[np.uint8]:
    """Read an open file or an upload of a web framework, from its beginning as Pillow does."""
    shown = _name_of(file)
    if inspect.iscoroutinefunction(file.read) and hasattr(file, "file"):
        file = file.file  # an upload of Starlette or FastAPI, whose own `read` must be awaited
    if inspect.iscoroutinefunction(file.read):
        raise UsageError(f"{shown} is an asynchronous file. Give the bytes: await file.read().")
    with contextlib.suppress(Exception):  # such as a pipe; `read` reports a closed file
        file.seek(0)
    return _read(copy_of(file, shown), shown)


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

    For any other file, raise a `PictureError` that states its kind, or `failure` if the kind is not known.
    """
    from mnist_runtime.preprocess import other_files  # few pictures need it

    head = other_files.first_bytes(source)
    if head.startswith(other_files.NUMPY):
        return other_files.read_array(source, name)
    format = other_files.heif_format(head)
    if format and isinstance(failure, PictureError):
        from PIL import Image

        if format == "an AVIF" and "AVIF" in Image.SAVE:  # Pillow supports it, so the file is damaged
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


def pillow_image(picture: npt.NDArray[Any]) -> Image.Image:
    """Return a picture as an image of Pillow, without padding; see `check_picture`."""
    from PIL import Image

    check_picture(picture)
    picture = without_padding(picture)
    return Image.fromarray(np.ascontiguousarray(picture[..., 0] if picture.shape[2:] == (1,) else picture))


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
            if type(error).__name__ == "UnidentifiedImageError":  # its text has the address of an object
                text = "it is no picture that Pillow knows"
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
