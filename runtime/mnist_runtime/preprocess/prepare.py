"""Prepare a picture of one digit: keep the ink of a clean drawing, extract that of a photograph, normalize it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import BlankError
from mnist_runtime.preprocess.decode import load_pixels
from mnist_runtime.preprocess.grayscale import FloatImage, grayscale
from mnist_runtime.preprocess.ink.clean import clean_ink, flat_background_ink
from mnist_runtime.preprocess.ink.strokes import is_scribble
from mnist_runtime.preprocess.ink.symbols import main_symbol
from mnist_runtime.preprocess.normalize import normalize

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Ink", "prepare", "prepare_ink"]

LONGEST = 640
"""Longer side, in pixels, to which a picture is reduced."""
SMALLEST = 1 / 40
"""Smallest size of a digit, as a fraction of the longer side: 16 of 640 pixels."""
SMALL = 48
"""Longer side below which a picture has too few pixels to be a photograph."""


class Ink(NamedTuple):
    """One symbol, prepared for a model.

    Parameters
    ----------
    image : ndarray of shape (28, 28), dtype uint8
        White on black, as in MNIST.
    is_scribble : bool
        Whether the strokes enclose more areas than a digit's.
    """

    image: npt.NDArray[np.uint8]
    is_scribble: bool

    @classmethod
    def of(cls, strokes: FloatImage) -> Ink:
        """Normalize the ink (h, w), 0..255, of one symbol."""
        return cls(normalize(strokes), is_scribble(strokes))


def prepare(picture: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Convert a picture of one digit to an MNIST image.

    Parameters
    ----------
    picture : ndarray of shape (h, w) or (h, w, 1..4), dtype uint8
        Gray, gray with alpha, RGB or RGB with alpha; dark ink on a light background or the reverse.

    Returns
    -------
    ndarray of shape (28, 28), dtype uint8
        White on black.

    Raises
    ------
    PictureError
        If shape or dtype are wrong, or it has more than 50 million pixels.
    BlankError
        If it shows no ink.

    Examples
    --------
    >>> page = np.full((200, 100, 3), 240, np.uint8)
    >>> page[40:160, 45:55] = 30  # a one
    >>> image = prepare(page)
    >>> image.shape, int(image.max()), int((image.max(axis=1) > 0).sum())
    ((28, 28), 255, 20)
    """
    return normalize(_digit_strokes(picture))


def prepare_ink(picture: npt.ArrayLike | str | Path | Image) -> Ink:
    """Prepare a picture as `prepare` does; it may also be a file or a Pillow image."""
    return Ink.of(_digit_strokes(load_pixels(picture)))


def _digit_strokes(picture: npt.NDArray[Any]) -> FloatImage:
    """Return the ink (h, w), 0..255, of the one digit in a drawing or a photograph."""
    gray = grayscale(picture, LONGEST)
    ink = flat_background_ink(gray) if max(gray.shape) < SMALL else clean_ink(gray)
    if ink is not None:
        return ink
    # Imported only when needed: a clean picture is answered some milliseconds earlier.
    from mnist_runtime.preprocess.ink.photo import photo_ink

    found = photo_ink(gray, SMALLEST)
    if not found.symbols:
        raise BlankError("The picture shows no ink on its background. Take it with more contrast.")
    return found.extract(main_symbol(found.symbols, gray.shape))
