"""`drawn_ink`: the ink of a picture that was drawn or scanned clean, as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import BlankError
from mnist_runtime.preprocess.grayscale import Grey
from mnist_runtime.preprocess.ink.components import components
from mnist_runtime.preprocess.ink.ruled_lines import ruling
from mnist_runtime.preprocess.ink.strokes import STROKE, is_thin
from mnist_runtime.preprocess.ink.symbols import marks

__all__ = ["drawn_ink", "plain_ink"]

MIN_CONTRAST = 16
"""Steps of 255 between ink and paper below which a picture counts as blank."""
PAPER = 0.1
"""Share of a drawn picture, at least, that is paper of one brightness; a photograph has no such paper."""
SOFT = 3
"""Pixels that are no paper in a drawn picture, at most, as a multiple of the strokes: their soft edges."""


def drawn_ink(grey: Grey) -> Grey | None:
    """Return the ink (h, w), 0..255, of a drawing of one sign, of brightness 0..255; None if it is none, or not clean.

    Raises
    ------
    BlankError
        If it shows nothing.
    """
    marked = grey != np.median(_border(grey))
    if marked.mean() > 1 - PAPER or _border(marked).mean() > 0.5:
        return None
    ink = plain_ink(grey)
    strokes = ink > STROKE * 255
    if marked.sum() > SOFT * strokes.sum():
        return None
    parts = components(strokes)
    signs = marks(parts.boxes, parts.sums(ink))
    if len(signs) > 1 or len(signs[0].parts) < len(parts) or is_thin(strokes, signs[0].size) or ruling(marked).any():
        return None
    return ink


def plain_ink(grey: Grey) -> Grey:
    """Turn brightness into ink, 0..255, whichever of ink and paper is the brighter; the border shows the paper.

    Raises
    ------
    BlankError
        If there is none.
    """
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


def _border(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
