"""Prepare a picture whatever it shows: change its color mode and size, nothing else.

Gray values are those of Pillow's ``convert("L")``. Sizes are changed as by Pillow's ``Resampling.BILINEAR``, which
weights pixels by a triangle as wide as two of the larger pixels. Pillow resizes the axes in another order, so a value
can differ by one of 255. Sums are of integers that float64 holds exactly, so every machine gives the same image.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.preprocess.grayscale import check_picture, without_padding

__all__ = ["plain"]

PIECE = 1 << 20
"""Values that are converted at once, to limit memory to some MB."""
RED, GREEN, BLUE = 19595, 38470, 7471
"""Weights of the colors in a brightness, of 65,536, after ITU-R BT.601."""
UNIT = 1 << 22
"""Integer that represents the weight 1."""
SMALL = 1024
"""Longest line of pixels that is resampled by one product with a matrix."""

Pixels = npt.NDArray[np.uint8]


def plain(picture: npt.NDArray[Any], height: int, width: int, channels: int) -> Pixels:
    """Return a picture in the size and with the channels that a model takes.

    Parameters
    ----------
    picture : ndarray of shape (h, w) or (h, w, 1..4), dtype uint8
        Gray, gray with alpha, RGB or RGB with alpha. Transparent areas become white.
    height, width : int
        Size of the image in pixels. The aspect ratio is not kept.
    channels : {1, 3}
        1 for gray, 3 for red, green and blue.

    Returns
    -------
    ndarray of shape (height, width) or (height, width, 3), dtype uint8

    Raises
    ------
    PictureError
        As from `check_picture`.

    Examples
    --------
    >>> plain(np.array([[[255, 0, 0]], [[255, 255, 255]]], np.uint8), 4, 1, 1).ravel().tolist()
    [76, 121, 210, 255]
    """
    check_picture(picture)
    values = without_padding(picture if picture.ndim == 3 else picture[..., None])
    if values.shape[2] in (2, 4):
        values = _on_white(values)
    if channels < values.shape[2]:
        values = _gray(values)
    sizes = [(1, width), (0, height)]
    if height * values.shape[1] < len(values) * width:  # the order with the fewest values in between
        sizes.reverse()
    for axis, size in sizes:
        if values.shape[axis] != size:
            values = _resample(values, axis, size)
    return values[..., 0] if channels == 1 else np.repeat(values, channels // values.shape[2], axis=2)


def _on_white(picture: Pixels) -> Pixels:
    pixels = picture.reshape(-1, picture.shape[2])
    opaque = np.empty((len(pixels), picture.shape[2] - 1), np.uint8)
    for part in _pieces(len(pixels), 4):
        colors, alpha = np.split(pixels[part].astype(np.uint16), [-1], axis=1)
        opaque[part] = (colors * alpha + 255 * (255 - alpha) + 127) // 255
    return opaque.reshape(*picture.shape[:2], -1)


def _gray(picture: Pixels) -> Pixels:
    pixels = picture.reshape(-1, 3)
    gray = np.empty(len(pixels), np.uint8)
    for part in _pieces(len(pixels), 3):
        red, green, blue = pixels[part].T.astype(np.uint32)
        gray[part] = (RED * red + GREEN * green + BLUE * blue + 0x8000) >> 16
    return gray.reshape(*picture.shape[:2], 1)


def _resample(values: Pixels, axis: int, size: int) -> Pixels:
    """Resize one axis of (h, w, channels), linearly, with averages where it shrinks."""
    lines, length = np.moveaxis(values, axis, -1), values.shape[axis]
    resized = np.empty((*lines.shape[:-1], size), np.uint8)
    for places in [slice(0, size)] if length <= SMALL else (slice(place, place + 1) for place in range(size)):
        window, weights = _matrix(length, size) if length <= SMALL else _window(places.start, length, size)
        for rows in _pieces(len(lines), lines.shape[1] * len(weights)):
            sums = lines[rows, :, window].astype(np.float64, order="C") @ weights
            resized[rows, :, places] = np.clip((sums + UNIT // 2) // UNIT, 0, 255)
    return np.ascontiguousarray(np.moveaxis(resized, -1, axis))


@functools.lru_cache(64)
def _matrix(old: int, new: int) -> tuple[slice, npt.NDArray[np.float64]]:
    """Return all pixels, and their weights (old, new) in all resized ones; see `_window`."""
    matrix = np.zeros((old, new))
    for place in range(new):
        window, weights = _window(place, old, new)
        matrix[window, place] = weights[:, 0]
    return slice(0, old), matrix


def _window(place: int, old: int, new: int) -> tuple[slice, npt.NDArray[np.float64]]:
    """Return the pixels that make up the resized one at `place`, and their weights (n, 1), whole numbers."""
    step = old / new
    reach = max(step, 1.0)
    center = (place + 0.5) * step
    window = slice(max(0, int(center - reach + 0.5)), min(old, int(center + reach + 0.5)))
    weights = np.maximum(1 - np.abs(np.arange(window.start, window.stop) - center + 0.5) / reach, 0)
    return window, np.floor(weights / weights.sum() * UNIT + 0.5)[:, None]


def _pieces(rows: int, size: int) -> Iterator[slice]:
    """Yield slices of `rows`, of `size` values each, that are converted at once."""
    step = max(1, PIECE // size)
    return (slice(start, start + step) for start in range(0, rows, step))
