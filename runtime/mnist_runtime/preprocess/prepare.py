"""`prepare`: any picture of one digit to the 28x28 pixels that MNIST models expect; `digit_ink` is half the way.

A photograph's light, paper, printed lines and dirt are taken away first; what is clean already stays as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import BlankError
from mnist_runtime.preprocess.grayscale import Grey, brightness
from mnist_runtime.preprocess.ink.clean import drawn_ink, plain_ink
from mnist_runtime.preprocess.ink.photo import handwriting
from mnist_runtime.preprocess.ink.symbols import main_mark
from mnist_runtime.preprocess.normalize import mnist_form

__all__ = ["digit_ink", "prepare"]

LONGEST = 640
"""Longer side of the picture that is worked on."""
SMALLEST = 1 / 40
"""Size of a digit, at least, as a share of the longer side: with fewer than 16 of 640 pixels it would be guessed."""
SMALL = 48
"""Longer side below which a picture has too few pixels to tell paper from ink: it holds a digit and nothing else."""


def prepare(picture: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Make a picture of one digit into the pixels of an MNIST image.

    Parameters
    ----------
    picture : ndarray of shape (h, w), (h, w, 1), (h, w, 2), (h, w, 3) or (h, w, 4), dtype uint8
        Grey, grey with alpha, RGB or RGB with alpha; dark ink on light paper or the other way round.

    Returns
    -------
    ndarray of shape (28, 28), dtype uint8
        White on black.

    Raises
    ------
    PictureError
        If shape or dtype are others, or it has more than 50 million pixels.
    BlankError
        If it shows nothing.

    Examples
    --------
    >>> paper = np.full((200, 100, 3), 240, np.uint8)
    >>> paper[40:160, 45:55] = 30  # a one
    >>> image = prepare(paper)
    >>> image.shape, int(image.max()), int((image.max(axis=1) > 0).sum())
    ((28, 28), 255, 20)
    """
    return mnist_form(digit_ink(picture))


def digit_ink(picture: npt.NDArray[Any]) -> Grey:
    """Return the ink (h, w), 0..255, of the digit in a picture as `prepare` takes it, which may be a photograph.

    Raises
    ------
    PictureError, BlankError
        As `prepare` does.
    """
    grey = brightness(picture, LONGEST)
    drawn = plain_ink(grey) if max(grey.shape) < SMALL else drawn_ink(grey)
    if drawn is not None:
        return drawn
    found = handwriting(grey, SMALLEST)
    if not found.marks:
        raise BlankError("Expected a digit, received a picture with nothing on its paper; take it with more contrast.")
    return found.cut(main_mark(found.marks, grey.shape))
