"""`pixels_from`: a picture, in a file, in Pillow's hands or in an array, to an array of bytes, upright."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from mnist_runtime.brightness import MAX_PIXELS
from mnist_runtime.errors import BackendError, PictureError
from mnist_runtime.pixels import as_pixels

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["pixels_from", "pixels_of", "read_picture"]


def pixels_from(picture: npt.ArrayLike | str | Path | Image.Image) -> npt.NDArray[np.uint8]:
    """Return the pixels of whatever `Classifier.classify` and `read` take."""
    if isinstance(picture, (str, Path)):
        return read_picture(picture)
    if hasattr(picture, "getexif"):  # an image of Pillow's, which need not be installed
        return pixels_of(cast("Image.Image", picture))
    return as_pixels(cast("npt.ArrayLike", picture))


def read_picture(path: str | Path) -> npt.NDArray[np.uint8]:
    """Read a picture file of any kind that Pillow knows, turned as its EXIF orientation says.

    Returns
    -------
    ndarray of shape (h, w) or (h, w, 4), dtype uint8
        Grey, or RGB with alpha.

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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about damage that can be lived with
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                return pixels_of(picture)
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from error
    except Exception as error:  # the readers of Pillow's many kinds raise as many kinds of errors
        reason = getattr(error, "strerror", None) or str(error)
        raise PictureError(f"{path}: expected a picture, could not read it ({reason}).") from error


def pixels_of(picture: Image.Image) -> npt.NDArray[np.uint8]:
    """Return the pixels of a Pillow image of any mode, as `read_picture` does.

    Raises
    ------
    PictureError
        If it is larger than `prepare` takes; told before it is decoded.
    """
    from PIL import ImageOps

    if picture.width * picture.height > MAX_PIXELS:
        raise PictureError(
            f"Expected a picture of at most {MAX_PIXELS:,} pixels, received {picture.width} x {picture.height}; "
            "scale it first."
        )
    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I;16") or upright.mode in ("I", "F"):
        return _sixteen_bit(np.asarray(upright))
    return np.asarray(upright.convert("L" if upright.mode in ("1", "L") else "RGBA"))


def _sixteen_bit(values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Bring a deeper grey picture to 8 bits by its own range, since its nominal one is not recorded."""
    deep = values.astype(np.float64)
    span = max(float(deep.max() - deep.min()), 1e-9)
    grey: npt.NDArray[np.uint8] = np.rint((deep - deep.min()) * (255 / span)).astype(np.uint8)
    return grey
