"""`grayscale`: a picture of any kind as grey on opaque paper, and no larger than there is use for."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import PictureError

__all__ = ["MAX_PIXELS", "FloatImage", "grayscale"]

MAX_PIXELS = 50_000_000
"""Largest picture that is accepted: above any phone's camera mode that a Pi's memory could hold."""
STRIP = 500_000
"""Pixels that are reduced at once: some MB, however large the picture."""
COLOUR = np.array([0.299, 0.587, 0.114], np.float32)
"""Shares of red, green and blue in brightness, of ITU-R BT.601."""

FloatImage = npt.NDArray[np.float32]


def grayscale(picture: npt.NDArray[Any], longest: int) -> FloatImage:
    """Return the brightness 0..255 of a picture, its longer side at most `longest` pixels.

    A larger picture is reduced by the least whole factor that will do, strip by strip; so neither time nor memory
    depend on its proportions, and beyond some MB memory does not depend on its size. What is transparent becomes paper.

    Parameters
    ----------
    picture : ndarray of shape (h, w), (h, w, 1), (h, w, 2), (h, w, 3) or (h, w, 4), dtype uint8
        Grey, grey with alpha, RGB or RGB with alpha.
    longest : int
        A side.

    Returns
    -------
    ndarray of shape (h, w) or less, dtype float32

    Raises
    ------
    PictureError
        If shape or dtype are others, or it has more than 50 million pixels.
    """
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
    shown, alpha = _reduced(picture, -(-max(picture.shape[:2]) // longest))
    return shown if alpha is None else _on_paper(shown, alpha)


def _reduced(picture: npt.NDArray[np.uint8], times: int) -> tuple[FloatImage, FloatImage | None]:
    """Return `_layers`, each pixel the mean of a block of `times` x `times`, or of as many as the edge leaves."""
    if times == 1:
        return _layers(picture)
    if picture.shape[0] < picture.shape[1]:  # strips of the shorter side, so that they are never long
        turned, veil = _reduced(picture.swapaxes(0, 1), times)
        return turned.T, None if veil is None else veil.T
    rows = times * max(1, STRIP // (times * picture.shape[1]))
    shown, alphas = [], []
    for start in range(0, len(picture), rows):
        grey, alpha = _layers(picture[start : start + rows])
        shown.append(_block_means(grey, times))
        if alpha is not None:
            alphas.append(_block_means(alpha, times))
    return np.concatenate(shown), np.concatenate(alphas) if alphas else None


def _layers(picture: npt.NDArray[np.uint8]) -> tuple[FloatImage, FloatImage | None]:
    """Return the brightness that each pixel adds to what is behind it, and its alpha 0..1; None for opaque pictures."""
    if picture.ndim == 2:
        return picture.astype(np.float32), None
    channels = picture.shape[2]
    grey = picture[..., :3].astype(np.float32) @ COLOUR if channels >= 3 else picture[..., 0].astype(np.float32)
    if channels in (1, 3):
        return grey, None
    alpha = picture[..., -1].astype(np.float32) / 255
    return grey * alpha, alpha


def _block_means(values: FloatImage, times: int) -> FloatImage:
    means = values
    for axis in (0, 1):
        starts = np.arange(0, values.shape[axis], times)
        counts = np.diff(np.append(starts, values.shape[axis])).astype(np.float32)
        means = np.add.reduceat(means, starts, axis) / (counts[:, None] if axis == 0 else counts)
    return means


def _on_paper(shown: FloatImage, alpha: FloatImage) -> FloatImage:
    """Lay a picture on opaque paper, on which all that is drawn on it can be seen."""
    if not alpha.any():
        return np.zeros_like(shown)
    if alpha.all() and alpha.min() == 1:
        return shown
    return shown + np.float32(_paper_behind(shown, alpha)) * (1 - alpha)


def _paper_behind(shown: FloatImage, alpha: FloatImage) -> float:
    """Return the brightness of the paper: that of a card, if the picture is one; else the opposite of the ink's.

    A card brings its own paper: it holds dark and bright, and fills its frame or has an edge of one brightness.
    """
    opaque = alpha >= 0.5
    if opaque.any() and not opaque.all():
        held = shown[opaque] / alpha[opaque]
        span = float(np.ptp(held))
        edge = opaque & ~_inside(opaque)
        border = shown[edge] / alpha[edge]
        low, middle, high = np.percentile(border, [25, 50, 75])
        rows, columns = (np.flatnonzero(opaque.any(axis=axis)) for axis in (1, 0))
        filled = opaque.sum() / (np.ptp(rows) + 1) / (np.ptp(columns) + 1)
        if span > 48 and (filled > 0.6 or high - low < span / 8):
            return float(middle)
    return 255.0 if float(shown.sum() / alpha.sum()) < 128 else 0.0


def _inside(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the pixels of `mask` all of whose four neighbours belong to it; outside of the picture all do."""
    padded = np.pad(mask, 1, constant_values=True)
    inside: npt.NDArray[np.bool_] = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return inside
