"""Load the pixels of a file, a Pillow image or an array."""

from __future__ import annotations

import contextlib
import functools
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import BackendError, PictureError
from mnist_runtime.preprocess.grayscale import MAX_PIXELS
from mnist_runtime.preprocess.pixels import as_pixels
from mnist_runtime.system.packages import install_command
from mnist_runtime.system.stderr import quiet_stderr

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["image_pixels", "load_pixels", "read_picture"]

WARNINGS_LOCK = threading.RLock()
"""Held while warnings are off: the filters belong to the process."""
PROGRAM_FORMATS = ("EPS",)
"""Formats that Pillow passes to another program, such as Ghostscript."""
MOST_SCANS = 1000
"""Most scans of a JPEG. Progressive files have about ten."""
PIECE = 1 << 20
"""Pixels of more than 8 bits that are converted at once, to limit memory."""
ORIENTATION = 0x0112
"""EXIF tag; 1 means upright."""


def load_pixels(picture: npt.ArrayLike | str | Path | Image.Image) -> npt.NDArray[np.uint8]:
    """Return the pixels of a file, a Pillow image or an array."""
    if isinstance(picture, (str, Path)):
        return read_picture(picture)
    if hasattr(picture, "getexif"):  # a Pillow image
        return image_pixels(cast("Image.Image", picture))
    return as_pixels(cast("npt.ArrayLike", picture), most=4 * MAX_PIXELS)


def read_picture(path: str | Path) -> npt.NDArray[np.uint8]:
    """Read a picture file, rotated by its EXIF orientation.

    Returns
    -------
    ndarray of shape (h, w), (h, w, 3) or (h, w, 4), dtype uint8
        Gray, RGB, or RGB with alpha.

    Raises
    ------
    BackendError
        If Pillow is not installed.
    PictureError
        If the file is missing, not a picture, damaged or too large.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise BackendError(
            f"Reading picture files needs Pillow. Install it with: {install_command('images')}."
        ) from error
    try:
        with _pillow_errors(), Image.open(path) as picture:
            return _decoded(picture)
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from error


def image_pixels(picture: Image.Image) -> npt.NDArray[np.uint8]:
    """Return the pixels of a Pillow image, as `read_picture` does."""
    with _pillow_errors():
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
    _check_scans(picture)
    _load(picture)
    upright = picture
    if picture.getexif().get(ORIENTATION, 1) != 1:
        from PIL import ImageOps  # few pictures need it

        upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I;16") or upright.mode in ("I", "F"):
        return _eight_bit(np.asarray(upright))
    if upright.mode in ("1", "L"):
        return np.asarray(upright.convert("L"))
    opaque = upright.mode == "RGB" and "transparency" not in upright.info
    return np.asarray(upright if opaque else upright.convert("RGBA"))


def _check_scans(picture: Image.Image) -> None:
    """Reject a JPEG with so many scans that decoding would take minutes."""
    file = getattr(picture, "fp", None)
    if picture.format not in ("JPEG", "MPO") or file is None:
        return
    position = file.tell()
    file.seek(0)
    scans = sum(piece.count(b"\xff\xda") for piece in iter(functools.partial(file.read, PIECE), b""))
    file.seek(position)
    if scans > MOST_SCANS:
        raise PictureError(f"The JPEG file has {scans} scans, but at most {MOST_SCANS} are allowed. Save it again.")


def _load(picture: Image.Image) -> None:
    """Decode the picture, without the messages that libtiff writes to stderr."""
    if picture.format != "TIFF":
        picture.load()
        return
    with quiet_stderr(), _pillow_errors():
        picture.load()


def _eight_bit(deep: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Scale gray pixels of more than 8 bits to 0..255 by their minimum and maximum."""
    lowest, highest = float(deep.min()), float(deep.max())
    span = highest - lowest
    if not np.isfinite(span):
        raise PictureError(f"The pixels range from {lowest} to {highest}. Convert them to finite numbers.")
    gray = np.empty(deep.shape, np.uint8)
    rows = max(1, PIECE // deep.shape[1])
    for start in range(0, len(deep), rows):
        scaled = (deep[start : start + rows].astype(np.float64) - lowest) * (255 / max(span, 1e-9))
        gray[start : start + rows] = np.rint(scaled)
    return gray
