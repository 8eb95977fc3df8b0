"""Convert a picture of any kind to grayscale, opaque and reduced in size."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import PictureError

__all__ = [
    "MAX_PIXELS",
    "FloatImage",
    "Mask",
    "bounding_box",
    "check_picture",
    "color_axis",
    "erode",
    "grayscale",
    "without_padding",
]

MAX_PIXELS = 50_000_000
"""Largest picture that is accepted: above any phone's, and within a Raspberry Pi's memory."""
STRIP = 500_000
"""Pixels that are reduced at once, to limit memory to some MB."""
COLOR_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue, after ITU-R BT.601."""
COLORFUL = 32
"""Least difference of two colors, of 255, in means of 4 x 4 pixels; noise has less."""

FloatImage = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def grayscale(picture: npt.NDArray[Any], longest: int) -> FloatImage:
    """Return the brightness 0..255 of a picture as `prepare` takes it; transparent areas become background.

    It is reduced by an integer factor until its longer side is at most `longest` pixels.

    Raises
    ------
    PictureError
        If shape or dtype are wrong, or it has more than 50 million pixels.
    """
    check_picture(picture)
    gray, alpha = _reduce(without_padding(picture), -(-max(picture.shape[:2]) // longest))
    return gray if alpha is None else _add_background(gray, alpha)


def check_picture(picture: npt.NDArray[Any]) -> None:
    """Raise a `PictureError` for an array whose shape or dtype is not that of a picture, or which is too large."""
    if (
        picture.dtype != np.uint8
        or picture.ndim not in (2, 3)
        or (picture.ndim == 3 and not 1 <= picture.shape[2] <= 4)
    ):
        raise PictureError(
            f"The picture has shape {picture.shape} and dtype {picture.dtype}, but shape (h, w) or (h, w, 1..4) "
            "and dtype uint8 are needed. Convert it."
        )
    if picture.size == 0 or picture.shape[0] * picture.shape[1] > MAX_PIXELS:
        raise PictureError(
            f"The picture has shape {picture.shape}, but 1 to {MAX_PIXELS:,} pixels are allowed. Resize it."
        )


def without_padding(picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return `picture` without an alpha channel that is 0 everywhere, as in screenshots and BGRX frames."""
    padded = picture.ndim == 3 and picture.shape[2] in (2, 4) and not picture[..., -1].any()
    return picture[..., :-1] if padded else picture


def color_axis(picture: npt.NDArray[Any], longest: int) -> FloatImage | None:
    """Return the color 0..255 of a picture along the axis on which its colors differ most, apart from brightness.

    It shows red ink that is as bright as green paper. The picture is reduced as by `grayscale`. None if the colors
    hardly differ, or if it is partly transparent.
    """
    picture = without_padding(picture)
    if picture.ndim != 3 or picture.shape[2] < 3 or (picture.shape[2] == 4 and picture[..., 3].min() < 255):
        return None
    factor = -(-max(picture.shape[:2]) // longest)
    planes = np.stack([_reduce(picture[..., channel], factor)[0] for channel in range(3)], axis=-1)
    colors = planes - (planes @ COLOR_WEIGHTS)[..., None]
    colors -= np.median(colors[::4, ::4], axis=(0, 1))
    axis = np.linalg.eigh(np.einsum("hwc,hwd->cd", colors, colors, optimize=True).astype(np.float64))[1][:, -1]
    values: FloatImage = np.clip(colors @ axis.astype(np.float32) + np.float32(128), 0, 255)
    return values if np.ptp(_block_means(values, 4)) >= COLORFUL else None


def bounding_box(mask: Mask) -> tuple[slice, slice]:
    """Return the rows and columns from the first to the last set pixel."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def erode(mask: Mask, *, beyond: bool) -> Mask:
    """Erode `mask` by a cross; `beyond` says whether the pixels beyond the picture's edge count as set."""
    padded = np.pad(mask, 1, constant_values=beyond)
    eroded: Mask = mask & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return eroded


def _reduce(picture: npt.NDArray[np.uint8], factor: int) -> tuple[FloatImage, FloatImage | None]:
    """Return `_gray_and_alpha`, averaged over blocks of `factor` x `factor` pixels."""
    if factor == 1:
        return _gray_and_alpha(picture)
    if picture.shape[0] < picture.shape[1]:  # strips along the shorter side, so that they are never long
        gray, alpha = _reduce(picture.swapaxes(0, 1), factor)
        return gray.T, None if alpha is None else alpha.T
    rows = factor * max(1, STRIP // (factor * picture.shape[1]))
    grays, alphas = [], []
    for start in range(0, len(picture), rows):
        gray, alpha = _gray_and_alpha(picture[start : start + rows])
        grays.append(_block_means(gray, factor))
        if alpha is not None:
            alphas.append(_block_means(alpha, factor))
    return np.concatenate(grays), np.concatenate(alphas) if alphas else None


def _gray_and_alpha(picture: npt.NDArray[np.uint8]) -> tuple[FloatImage, FloatImage | None]:
    """Return the brightness, multiplied by alpha, and alpha 0..1, which is None for opaque pictures."""
    if picture.ndim == 2:
        return picture.astype(np.float32), None
    channels = picture.shape[2]
    colored = channels >= 3
    gray = picture[..., :3].astype(np.float32) @ COLOR_WEIGHTS if colored else picture[..., 0].astype(np.float32)
    if channels in (1, 3):
        return gray, None
    alpha = picture[..., -1].astype(np.float32) / 255
    return gray * alpha, alpha


def _block_means(values: FloatImage, factor: int) -> FloatImage:
    means = values
    for axis in (0, 1):
        starts = np.arange(0, values.shape[axis], factor)
        counts = np.diff(np.append(starts, values.shape[axis])).astype(np.float32)
        means = np.add.reduceat(means, starts, axis) / (counts[:, None] if axis == 0 else counts)
    return means


def _add_background(gray: FloatImage, alpha: FloatImage) -> FloatImage:
    """Put a transparent picture on a background that contrasts with its ink."""
    if alpha.all() and alpha.min() == 1:
        return gray
    return gray + np.float32(_background(gray, alpha)) * (1 - alpha)


def _background(gray: FloatImage, alpha: FloatImage) -> float:
    """Return the brightness for transparent areas: that of a card's edge, else black or white, opposite to the ink.

    A card is an opaque area with dark and bright pixels that fills its box or has an edge of one brightness.
    """
    opaque = alpha >= 0.5
    if opaque.any() and not opaque.all():
        values = gray[opaque] / alpha[opaque]
        span = float(np.ptp(values))
        edge = opaque & ~erode(opaque, beyond=True)
        border = gray[edge] / alpha[edge]
        low, middle, high = np.percentile(border, [25, 50, 75])
        box = opaque[bounding_box(opaque)]
        filled = box.sum() / box.shape[0] / box.shape[1]
        if span > 48 and (filled > 0.6 or high - low < span / 8):
            return float(middle)
    return 255.0 if float(gray.sum() / alpha.sum()) < 128 else 0.0
