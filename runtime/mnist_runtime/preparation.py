"""`prepare`: any picture of one digit to the 28x28 pixels that MNIST models expect.

A photograph's light, paper, printed lines and dirt are taken away first; what is clean already stays as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.brightness import Grey, brightness
from mnist_runtime.components import grown
from mnist_runtime.errors import BlankError
from mnist_runtime.handwriting import Handwriting, handwriting
from mnist_runtime.marks import main_mark
from mnist_runtime.mnist_form import mnist_form

__all__ = ["prepare"]

LONGEST = 640
"""Longer side of the picture that is worked on: a digit of a 20th of it is still larger than the model's pixels."""
SMALL = 48
"""Longer side below which a picture has too few pixels to tell paper from ink: it holds a digit and nothing else."""
SOFT = 3
"""Pixels over which a drawn stroke may fade into the paper."""
MIN_CONTRAST = 16
"""Steps of 255 between ink and paper below which a picture counts as blank."""


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
    grey = brightness(picture, LONGEST)
    if max(grey.shape) < SMALL:
        return mnist_form(_clean_ink(grey))
    found = handwriting(grey)
    if not found.marks:
        raise BlankError("Expected a digit, received a picture with nothing on its paper; take it with more contrast.")
    digit = main_mark(found.marks, grey.shape)
    ink = found.cut(digit)
    if ink.shape == (digit.height, digit.width) and _is_clean(grey, found):
        return mnist_form(_clean_ink(grey))
    return mnist_form(ink)


def _is_clean(grey: Grey, found: Handwriting) -> bool:
    """Say whether a picture was drawn, not photographed: a single sign, and all around of one brightness."""
    around = grey[~grown(found.parts.labels >= 0, SOFT)]
    return len(found.marks) == 1 and len(found.marks[0].parts) == len(found.parts) and np.ptp(around) == 0


def _border(grey: Grey) -> Grey:
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def _clean_ink(grey: Grey) -> Grey:
    """Turn brightness into ink, 0..255, whichever of ink and paper is the brighter; the border shows the paper."""
    border = _border(grey)
    paper = np.median(border)
    darkest, brightest = paper - grey.min(), grey.max() - paper
    contrast = max(darkest, brightest)
    if contrast < MIN_CONTRAST:
        raise BlankError(
            f"Expected a digit, received a blank picture: its brightness varies by {contrast:.0f} of 255 only; "
            "take it with more contrast."
        )
    ink = np.clip((paper - grey) if darkest > brightest else (grey - paper), 0, None)
    texture = 6 * np.median(np.abs(border - paper))  # 4 sigma of noise on the paper; 0 in a clean picture
    ink[ink <= texture] = 0
    if not ink.any():
        raise BlankError("Expected a digit, received a picture whose contrast is all noise; light the paper evenly.")
    strongest: Grey = ink * np.float32(255 / ink.max())
    return strongest
