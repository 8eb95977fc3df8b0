"""`normalize`: the ink of one digit, in the 28x28 pixels that MNIST models expect, as NIST and LeCun made them.

Ink bright on black, cropped, fitted into a box of 20x20 with its proportions kept, and laid into a field of 28x28 with
its centre of mass in the middle.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits" (the paragraph on size
normalisation and centring).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from mnist_runtime.preprocess.grayscale import FloatImage

__all__ = ["normalize"]

FIELD = 28
BOX = 20
FAINT = 0.1
"""Share of the darkest ink below which a pixel cannot stretch the crop: JPEG's ripples stay under it."""

FINE = 64
"""Pixels on the longer side that a small digit is scaled up to before it is scaled down into the box."""


def normalize(ink: FloatImage) -> npt.NDArray[np.uint8]:
    """Return the image (28, 28) of what is drawn in `ink` (h, w), 0..255, whose greatest is 255."""
    return _centre(_fit(_crop(_enlarge(_crop(ink)))))


def _crop(ink: FloatImage) -> FloatImage:
    marked = ink > FAINT * 255
    rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _enlarge(ink: FloatImage) -> FloatImage:
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


def _fit(ink: FloatImage) -> FloatImage:
    """Scale so that the longer side is the box's; the strokes' full brightness is kept, thin as they may get."""
    height, width = ink.shape
    ratio = BOX / max(height, width)
    rows = _resampling(height, max(1, round(height * ratio)))
    columns = _resampling(width, max(1, round(width * ratio)))
    small = rows @ ink @ columns.T
    return (small * np.float32(255 / small.max())).astype(np.float32)


def _resampling(old: int, new: int) -> FloatImage:
    """Return the matrix (new, old) that resamples a line linearly, over as many pixels as one new pixel covers."""
    step = old / new
    centres = (np.arange(new) + 0.5) * step - 0.5
    distance = np.abs(np.arange(old)[None, :] - centres[:, None]) / max(1.0, step)
    weights = np.clip(1 - distance, 0, None).astype(np.float32)
    share: FloatImage = weights / weights.sum(axis=1, keepdims=True)
    return share


def _centre(ink: FloatImage) -> npt.NDArray[np.uint8]:
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
