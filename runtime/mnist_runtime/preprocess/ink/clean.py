"""Extract the ink of a clean drawing or scan."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import BlankError
from mnist_runtime.preprocess.grayscale import FloatImage, Mask
from mnist_runtime.preprocess.ink.components import connected_components, convexity, dilate
from mnist_runtime.preprocess.ink.frames import find_frames
from mnist_runtime.preprocess.ink.ruled_lines import border_lines, find_ruled_lines
from mnist_runtime.preprocess.ink.strokes import STROKE, bridges, is_thin
from mnist_runtime.preprocess.ink.symbols import Symbol, digit_marks, group_symbols

__all__ = ["clean_ink", "flat_background_ink", "separate_strokes", "without_box"]

MIN_CONTRAST = 16
"""Least difference between ink and background, of 255."""
BACKGROUND = 0.1
"""Least fraction of a drawing that has exactly the background's brightness."""
SOFT = 3
"""Most pixels of strokes with their soft edges, as a multiple of those of the strokes alone."""

LEAST_HEIGHT = 0.35
"""Least height of a digit in a box, as a fraction of the picture's."""
SOLID, NARROW = 0.85, 0.5
"""A symbol may be a sheet of paper if it fills this fraction of its convex hull and has this width over length."""


def clean_ink(gray: FloatImage) -> FloatImage | None:
    """Return `flat_background_ink` of a clean drawing of one symbol; None for any other picture."""
    marked = gray != np.median(_border(gray))
    if marked.mean() > 1 - BACKGROUND or _border(marked).mean() > 0.5:
        return None
    ink = flat_background_ink(gray)
    strokes = ink > STROKE * 255
    if marked.sum() > SOFT * strokes.sum():
        return None
    components = connected_components(strokes)
    symbols = group_symbols(components.boxes, components.sums(ink))
    one_symbol = len(symbols) == 1 and len(symbols[0].components) == components.number
    if not one_symbol or is_thin(strokes, symbols[0].size) or _is_solid(strokes, symbols[0]):
        return None
    lines = find_ruled_lines(marked)
    if lines.any() or find_frames(strokes, lines).any():
        return None
    return np.where(bridges(strokes), np.float32(255), ink)


def flat_background_ink(gray: FloatImage) -> FloatImage:
    """Return the ink, 0..255, on a background with the brightness of the border.

    Raises
    ------
    BlankError
        If there is no ink.
    """
    border = _border(gray)
    background = np.median(border)
    darkest, brightest = background - gray.min(), gray.max() - background
    contrast = max(darkest, brightest)
    if contrast < MIN_CONTRAST:
        raise BlankError(
            f"The picture is blank: its brightness varies by only {contrast:.0f} of 255. Take it with more contrast."
        )
    ink = np.clip((background - gray) if darkest > brightest else (gray - background), 0, None)
    noise = 6 * np.median(np.abs(border - background))  # 4 standard deviations of the noise; 0 in a clean picture
    ink[ink <= noise] = 0
    if not ink.any():
        raise BlankError("The picture shows noise only. Take it in even light.")
    scaled: FloatImage = ink * np.float32(255 / ink.max())
    return scaled


def without_box(gray: FloatImage) -> FloatImage:
    """Return a small picture (h, w) without the sides of a box around its digit, if there are any.

    The digit must be apart from them: a tight crop of a 7 has strokes along its edges too.
    """
    level = np.median(gray)
    ink = np.abs(gray - level)
    strokes = ink > STROKE * ink.max()
    if not _border(strokes).any():
        return gray
    components = connected_components(strokes)
    sides, is_box = border_lines(components, has_lines=False)
    top, left, bottom, right = components.boxes[~sides].T
    inside = (np.minimum(top, left) > 0) & (bottom < gray.shape[0]) & (right < gray.shape[1])
    if not is_box or not (inside & (bottom - top >= LEAST_HEIGHT * gray.shape[0])).any():
        return gray
    return np.where(dilate(components.mask(sides), 1), level, gray).astype(np.float32)


def separate_strokes(ink: FloatImage) -> list[FloatImage]:
    """Return the ink (h, w), 0..255, of each symbol in a small drawing; none unless several may be digits."""
    strokes = ink > STROKE * 255
    if not any(_has_gap(strokes.any(axis=axis)) for axis in (0, 1)):  # true for nearly all pictures of one digit
        return []
    components = connected_components(strokes)
    symbols = group_symbols(components.boxes, components.sums(ink))
    return [
        np.where(dilate(np.isin(components.labels, mark.components), 1), ink, 0).astype(np.float32)
        for mark in digit_marks(symbols, ink.shape)
    ]


def _is_solid(strokes: Mask, symbol: Symbol) -> bool:
    """Return whether `symbol` may be a sheet of paper or a key with a digit on it."""
    top, left, bottom, right = symbol.box
    wide = min(symbol.height, symbol.width) >= NARROW * symbol.size
    return wide and convexity(strokes[top:bottom, left:right]) >= SOLID


def _has_gap(marked: npt.NDArray[np.bool_]) -> bool:
    """Return whether there is a gap between the set values of `marked` (n,)."""
    return bool(np.count_nonzero(np.diff(marked, prepend=False, append=False)) > 2)


def _border(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
