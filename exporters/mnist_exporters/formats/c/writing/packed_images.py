"""Run-length encoding for the images of the self-test, most of whose pixels are black."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["pack_images", "unpack_images"]

LONGEST_RUN = 255


def pack_images(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Pack images: each run of up to 255 zeros becomes a 0 and the length of the run; a run ends with its image.

    Examples
    --------
    >>> pack_images(np.array([[7, 0, 0], [0, 0, 9]], np.uint8)).tolist()
    [7, 0, 2, 0, 2, 9]
    """
    packed: list[int] = []
    for image in images.reshape(len(images), -1).tolist():
        run = 0
        for pixel in [*image, None]:
            if run and (pixel != 0 or run == LONGEST_RUN):
                packed += [0, run]
                run = 0
            if pixel == 0:
                run += 1
            elif pixel is not None:
                packed.append(pixel)
    return np.array(packed, np.uint8)


def unpack_images(packed: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the pixels of packed images.

    Examples
    --------
    >>> unpack_images(np.array([7, 0, 2, 0, 2, 9], np.uint8)).tolist()
    [7, 0, 0, 0, 0, 9]
    """
    numbers, place = packed.tolist(), 0
    pixels: list[int] = []
    while place < len(numbers):
        if numbers[place] == 0:
            pixels += [0] * (numbers[place + 1] if place + 1 < len(numbers) else 0)
            place += 2
        else:
            pixels.append(numbers[place])
            place += 1
    return np.array(pixels, np.uint8)
