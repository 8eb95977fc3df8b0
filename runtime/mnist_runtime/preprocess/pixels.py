"""Convert numbers of any type to pixels 0..255."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import PictureError, UsageError

__all__ = ["as_pixels"]

BYTE = np.dtype(np.uint8)


def as_pixels(values: npt.ArrayLike, *, most: int | None = None) -> npt.NDArray[np.uint8]:
    """Return `values` as pixels 0..255.

    Parameters
    ----------
    values : array_like of bool, integers or floats
        Integers are pixels 0..255, True is white. Floats are fractions of white unless one exceeds 1.
    most : int, optional
        Number of values that are allowed.

    Returns
    -------
    ndarray of the same shape, dtype uint8
        A uint8 array is not copied.

    Raises
    ------
    UsageError
        If they are not numbers from 0 to 255.
    PictureError
        If there are more than `most`.

    Examples
    --------
    >>> as_pixels([[0, 128], [255, 7]]).tolist()
    [[0, 128], [255, 7]]
    >>> as_pixels([0.0, 0.5, 1.0]).tolist()
    [0, 128, 255]
    >>> as_pixels([True, False]).tolist()
    [255, 0]
    """
    try:
        array = np.asarray(values)
    except (ValueError, TypeError) as error:  # such as rows of unequal length
        raise UsageError(
            f"The pixels, of type {type(values).__name__}, are not an array ({error}). Give an array of numbers 0..255."
        ) from error
    if most is not None and array.size > most:
        raise PictureError(f"The picture has {array.size:,} values, but at most {most:,} are allowed. Resize it.")
    if array.dtype == BYTE:
        return array
    if array.dtype.kind not in "buif":
        raise UsageError(
            f"The pixels, of type {type(values).__name__} and dtype {array.dtype}, are not numbers. "
            "Give numbers from 0 to 255."
        )
    if array.dtype.kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    lowest, highest = (array.min(), array.max()) if array.size else (0, 0)
    if not (lowest >= 0 and highest <= 255):  # true for nan as well
        raise UsageError(f"The pixels range from {lowest} to {highest}, but 0 to 255 is allowed. Scale them.")
    if array.dtype.kind == "f":
        scaled = np.multiply(array, 255 if highest <= 1 else 1, out=np.empty(array.shape))
        array = np.rint(scaled, out=scaled)
    return array.astype(np.uint8)
