"""Convert numbers of any type to pixels 0..255."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import PictureError, UsageError

__all__ = ["as_picture", "as_pixels", "stretched"]

BYTE = np.dtype(np.uint8)
PIECE = 1 << 20
"""Pixels of more than 8 bits that are converted at once, to limit memory."""
GRAY_CHROMA, ALIKE, JUMP = 40, 6, 12
"""Color planes of a YUV420 frame, of 255: most distance of their mean from 128, most difference between neighboring
lines of color, and least step from brightness to color."""


def as_pixels(values: npt.ArrayLike, *, most: int | None = None) -> npt.NDArray[np.uint8]:
    """Return `values` as pixels 0..255.

    Parameters
    ----------
    values : array_like of bool, integers or floats
        Integers are pixels 0..255, True is white. Floats are fractions of white unless one exceeds 2.
    most : int, optional
        Number of values that are allowed.

    Returns
    -------
    ndarray of the same shape, dtype uint8
        A uint8 array is not copied.

    Raises
    ------
    UsageError
        If they are not numbers from 0 to 255, or are floats with a maximum of 1 to 2: neither 0..1 nor 0..255.
    PictureError
        If there are more than `most`.

    Examples
    --------
    >>> as_pixels([[0, 128], [255, 7]]).tolist()
    [[0, 128], [255, 7]]
    >>> as_pixels([0.0, 0.5, 1.0]).tolist()
    [0, 128, 255]
    """
    array = _as_array(values, most)
    if array.dtype == BYTE:
        return array
    if values is None:
        raise UsageError("This is None, not a picture. cv2.imread returns None if it cannot read: check the name.")
    if array.dtype.kind not in "buif":
        raise UsageError(
            f"The pixels, of type {type(values).__name__} and dtype {array.dtype}, are not numbers. "
            "Give numbers from 0 to 255."
        )
    if array.dtype.kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    lowest, highest = (array.min(), array.max()) if array.size else (0, 0)
    if np.isnan(lowest):
        raise UsageError("The pixels contain NaN. Give numbers from 0 to 255.")
    if not (lowest >= 0 and highest <= 255):
        raise UsageError(f"The pixels range from {lowest} to {highest}, but 0 to 255 is allowed. Scale them.")
    if array.dtype.kind == "f":
        if 1 + 1e-6 < highest <= 2:  # less is a rounding error, which `rint` removes
            raise UsageError(
                f"The pixels are floats from {lowest:.7g} to {highest:.7g}, which is neither 0..255 nor 0..1. "
                "Divide them by their largest possible value, or clip them: images.clip(0, 1)."
            )
        scaled = np.multiply(array, 255 if highest <= 2 else 1, out=np.empty(array.shape))
        array = np.rint(scaled, out=scaled)
    return array.astype(np.uint8)


def as_picture(values: npt.ArrayLike, *, most: int) -> npt.NDArray[np.uint8]:
    """Return the array of one picture as `as_pixels` does; pixels of 16 bits are scaled by their own range.

    Raises
    ------
    UsageError
        If they are not numbers from 0 to 255 or of the type uint16.
    PictureError
        If there are more than `most`, or it is a camera's frame with separate planes of brightness and color.

    Examples
    --------
    >>> as_picture(np.array([[1000, 4000]], np.uint16), most=9).tolist()
    [[0, 255]]
    """
    if isinstance(values, np.ndarray) and values.dtype.kind == "u" and values.dtype.itemsize == 2:
        deep = _as_array(values, most)
        if deep.size and deep.max() > 255:
            return _eight_bit(deep)
    pixels = as_pixels(values, most=most)
    if _is_yuv420(pixels):
        height = 2 * len(pixels) // 3
        raise PictureError(
            f"The array {pixels.shape} looks like a YUV420 frame of {height} x {pixels.shape[1]} pixels. "
            f"Give its brightness only: array[:{height}]."
        )
    return pixels


def stretched(deep: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Scale pixels of more than 8 bits to 0..255 by their minimum and maximum."""
    lowest, highest = float(deep.min()), float(deep.max())
    span = highest - lowest
    if not np.isfinite(span):
        raise PictureError("The pixels contain NaN or infinity. Convert them to finite numbers.")
    pixels = np.empty(deep.shape, np.uint8)
    _scale(deep, lowest, span, pixels)
    return pixels


def _scale(deep: npt.NDArray[Any], lowest: float, span: float, pixels: npt.NDArray[np.uint8]) -> None:
    """Write values from `lowest` to `lowest` + `span` into `pixels` as 0..255."""
    rows = max(1, PIECE * len(deep) // deep.size)
    for start in range(0, len(deep), rows):
        scaled = (deep[start : start + rows].astype(np.float64) - lowest) * (255 / max(span, 1e-9))
        pixels[start : start + rows] = np.rint(scaled)


def _eight_bit(deep: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    """Return `stretched` colors; alpha, if there is one, is scaled by its maximum alone."""
    if deep.ndim != 3 or deep.shape[2] not in (2, 4):
        return stretched(deep)
    pixels = np.empty(deep.shape, np.uint8)
    colors, alpha = deep[..., :-1], deep[..., -1]
    _scale(colors, float(colors.min()), float(np.ptp(colors)), pixels[..., :-1])
    _scale(alpha, 0.0, float(alpha.max()), pixels[..., -1])
    return pixels


def _as_array(values: npt.ArrayLike, most: int | None) -> npt.NDArray[Any]:
    try:
        array = np.asarray(values)
    except (ValueError, TypeError) as error:  # such as rows of unequal length
        raise UsageError(
            f"The pixels, of type {type(values).__name__}, are not an array ({error}). Give an array of numbers 0..255."
        ) from error
    if most is not None and array.size > most:
        raise PictureError(f"The picture has {array.size:,} values, but at most {most:,} are allowed. Resize it.")
    return array


def _is_yuv420(pixels: npt.NDArray[np.uint8]) -> bool:
    """Return whether an array looks like a YUV420 frame: its lowest third holds two smaller planes of color.

    Each line of the array holds two lines of color, which hardly differ, and the planes begin with a step.
    """
    if pixels.ndim != 2 or len(pixels) % 3 or pixels.shape[1] % 2 or min(pixels.shape) < 48:
        return False
    height, half = 2 * len(pixels) // 3, pixels.shape[1] // 2
    color = pixels[height:].astype(np.int16)
    left, right = color[:, :half], color[:, half:]
    if abs(float(color.mean()) - 128) > GRAY_CHROMA or float(np.abs(left - right).mean()) > ALIKE:
        return False
    step = float(np.abs(color[0] - pixels[height - 1]).mean())
    return step > JUMP + 3 * float(np.abs(color[1] - color[0]).mean())
