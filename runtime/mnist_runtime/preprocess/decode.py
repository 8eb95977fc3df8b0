"""`load_pixels`: a picture, in a file, in Pillow's hands or in an array, to an array of bytes, upright."""

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
from mnist_runtime.system.stderr import quiet_stderr

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["image_pixels", "load_pixels", "read_picture"]


ONE_AT_A_TIME = threading.RLock()
"""The filters of warnings belong to the whole process: threads that changed them in turns would leave them changed."""
PROGRAMS = ("EPS",)
"""Kinds of files that another program would have to run, such as Ghostscript."""
MOST_SCANS = 1000
"""Of a JPEG. A progressive one has some ten; each takes 3 ms of 50 million pixels, and six bytes of the file."""
PIECE = 1 << 20
"""Deep pixels that are brought to 8 bits at once: in a large picture their doubles would take a gigabyte."""


def load_pixels(picture: npt.ArrayLike | str | Path | Image.Image) -> npt.NDArray[np.uint8]:
    """Return the pixels of whatever `Classifier.classify` and `read` take."""
    if isinstance(picture, (str, Path)):
        return read_picture(picture)
    if hasattr(picture, "getexif"):  # an image of Pillow's, which need not be installed
        return image_pixels(cast("Image.Image", picture))
    return as_pixels(cast("npt.ArrayLike", picture), most=4 * MAX_PIXELS)


def read_picture(path: str | Path) -> npt.NDArray[np.uint8]:
    """Read a picture file of any kind that Pillow knows and decodes itself, turned as its EXIF orientation says.

    Returns
    -------
    ndarray of shape (h, w), (h, w, 3) or (h, w, 4), dtype uint8
        Grey, RGB, or RGB with alpha.

    Raises
    ------
    BackendError
        If Pillow is not installed.
    PictureError
        If the file is missing, not a picture, damaged or far too large.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise BackendError(
            "Expected Pillow to read picture files, it is not installed: pip install 'mnist-runtime[images]'."
        ) from error
    try:
        with _in_plain_words(), Image.open(path) as picture:
            return _pixels_of(picture)
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from error


def image_pixels(picture: Image.Image) -> npt.NDArray[np.uint8]:
    """Return the pixels of a Pillow image of any mode, as `read_picture` does.

    Raises
    ------
    PictureError
        If it is larger than `prepare` takes, told before it is decoded; or if decoding it fails.
    """
    with _in_plain_words():
        return _pixels_of(picture)


@contextlib.contextmanager
def _in_plain_words() -> Iterator[None]:
    """Make whatever Pillow raises a `PictureError`, and let it warn nobody of damage that can be lived with."""
    _let_pillow_log_nowhere()
    with ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except PictureError:
            raise
        except Exception as error:  # the readers of Pillow's many kinds raise as many kinds of errors
            said = str(getattr(error, "strerror", None) or error) or type(error).__name__
            reason = "".join(character if character.isprintable() else "?" for character in said[:200])
            raise PictureError(f"Expected a picture, could not read it ({reason}).") from error


@functools.cache
def _let_pillow_log_nowhere() -> None:
    """Keep what Pillow logs of damage from stderr, where it goes if the program has not set up any logging."""
    import logging  # takes as long to import as ten digits

    logging.getLogger("PIL").addHandler(logging.NullHandler())


def _pixels_of(picture: Image.Image) -> npt.NDArray[np.uint8]:
    from PIL import ExifTags, ImageOps

    if not 0 < picture.width * picture.height <= MAX_PIXELS:
        raise PictureError(
            f"Expected a picture of 1 to {MAX_PIXELS:,} pixels, received {picture.width} x {picture.height}; "
            "scale it first."
        )
    if picture.format in PROGRAMS:
        raise PictureError(f"Expected pixels, received {picture.format}, which is a program; save it as PNG.")
    _refuse_endless_scans(picture)
    _decode(picture)
    lies = picture.getexif().get(ExifTags.Base.Orientation, 1) != 1
    upright = ImageOps.exif_transpose(picture) if lies else picture  # which copies it in any case
    if upright.mode.startswith("I;16") or upright.mode in ("I", "F"):
        return _eight_bit(np.asarray(upright))
    if upright.mode in ("1", "L"):
        return np.asarray(upright.convert("L"))
    opaque = upright.mode == "RGB" and "transparency" not in upright.info
    return np.asarray(upright if opaque else upright.convert("RGBA"))


def _refuse_endless_scans(picture: Image.Image) -> None:
    """Refuse a JPEG, not yet decoded, over whose pixels the decoder would go again and again."""
    file = getattr(picture, "fp", None)
    if picture.format not in ("JPEG", "MPO") or file is None:
        return
    place = file.tell()
    file.seek(0)
    scans = sum(piece.count(b"\xff\xda") for piece in iter(functools.partial(file.read, PIECE), b""))
    file.seek(place)
    if scans > MOST_SCANS:
        raise PictureError(f"Expected a JPEG of at most {MOST_SCANS} scans, received {scans}; save it again.")


def _decode(picture: Image.Image) -> None:
    """Decode; what libtiff writes to stderr of damage is held back, as Pillow holds back what the others write."""
    if picture.format != "TIFF":
        picture.load()
        return
    with quiet_stderr(), _in_plain_words():
        picture.load()


def _eight_bit(deep: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Bring a deeper grey picture to 8 bits by its own range, since its nominal one is not recorded."""
    lowest, highest = float(deep.min()), float(deep.max())
    span = highest - lowest
    if not np.isfinite(span):
        raise PictureError(f"Expected finite pixels, received {lowest} to {highest}; convert it first.")
    grey = np.empty(deep.shape, np.uint8)
    rows = max(1, PIECE // deep.shape[1])
    for start in range(0, len(deep), rows):
        steps = (deep[start : start + rows].astype(np.float64) - lowest) * (255 / max(span, 1e-9))
        grey[start : start + rows] = np.rint(steps)
    return grey
