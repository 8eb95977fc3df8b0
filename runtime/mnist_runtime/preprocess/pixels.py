"""`as_pixels`: numbers of any sensible type, to the bytes 0..255 that pictures are made of."""

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
        Integers are pixels 0..255. True is white. Floats that do not exceed 1 are shares of white, as networks are
        trained on; greater ones are pixels 0..255. All that is given together is taken in the same way.
    most : int, optional
        How many there may be; an array may claim any number of values and take no memory.

    Returns
    -------
    ndarray of the same shape, dtype uint8
        Bytes are returned as they are, not copied.

    Raises
    ------
    UsageError
        If they are no numbers, lie outside 0..255, or are not finite.
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
    except (ValueError, TypeError) as error:  # rows of unequal length; things that cannot be an array
        raise UsageError(f"Expected an array of pixels 0..255, received {type(values).__name__}: {error}.") from error
    if most is not None and array.size > most:
        raise PictureError(f"Expected a picture of at most {most:,} values, received {array.size:,}; scale it first.")
    if array.dtype == BYTE:
        return array
    if array.dtype.kind not in "buif":
        raise UsageError(f"Expected pixels 0..255 as numbers, received {type(values).__name__} of dtype {array.dtype}.")
    if array.dtype.kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    lowest, highest = (array.min(), array.max()) if array.size else (0, 0)
    if not (lowest >= 0 and highest <= 255):  # so written, it catches nan as well
        raise UsageError(f"Expected pixels from 0 to 255, received {lowest} to {highest}; scale them first.")
    if array.dtype.kind == "f":
        scaled = np.multiply(array, 255 if highest <= 1 else 1, out=np.empty(array.shape))
        array = np.rint(scaled, out=scaled)
    return array.astype(np.uint8)
