"""Reshape arrays of images from all usual shapes to (n, h, w) or (n, h, w, 3)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.task import DIGITS, SIDES
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.errors import DataError

__all__ = ["shaped"]

Array = npt.NDArray[Any]

CHANNELS = (1, 3)
HEIGHT, WIDTH, _ = DIGITS.tensor_shape
NEEDED = "(n, h, w), (n, h, w, 1), (n, h, w, 3) or (n, h * w), such as (n, 28, 28), is needed"


def shaped(images: Array, where: str, stated: StatedTask, count: int = 0) -> tuple[Array, list[str]]:
    """Return images with shape (n, h, w) or (n, h, w, 3), and a short description of each change.

    Parameters
    ----------
    images : ndarray
        Flat rows of pixels, or images with one or three channels (first or last axis) or without a channel axis.
    where : str
        Name of the file or array, for messages.
    stated : StatedTask
        Known facts. Its size is needed for flat rows of pixels.
    count : int
        Number of labels, used to detect images that are not along the first axis.

    Raises
    ------
    DataError
        If the shape is ambiguous or not supported.
    """
    shape = images.shape
    is_last = bool(count) and images.ndim > 1 and shape[0] != count and shape[-1] == count
    if images.ndim not in (2, 3, 4) or is_last:
        raise _other_shape(shape, where, count)
    sides = [size for size in shape[1:] if size != 1]
    if len(sides) == 1:
        height, width, channels = _unrolled(sides[0], shape, where, stated)
        tensor = images.reshape(len(images), height, width, channels)
        words = [_words(shape)]
    elif images.ndim == 3:
        tensor, words = images[..., None], []
    elif images.ndim == 4 and shape[3] in CHANNELS:
        tensor, words = images, []
    elif images.ndim == 4 and shape[1] in CHANNELS:
        tensor, words = np.moveaxis(images, 1, -1), [_words(shape)]
    else:
        raise _other_shape(shape, where, count)
    if not {tensor.shape[1], tensor.shape[2]} <= {*SIDES} and not (stated.size and stated.converts):
        raise _other_shape(shape, where, count)
    if tensor.shape[3] == 3 and stated.channels != 3 and (tensor == tensor[..., :1]).all():
        return tensor[..., 0], [*words, "three equal channels"]
    return (tensor[..., 0] if tensor.shape[3] == 1 else tensor), words


def _unrolled(size: int, shape: tuple[int, ...], where: str, stated: StatedTask) -> tuple[int, int, int]:
    """Return height, width and channels of images that are flat rows of `size` values."""
    if stated.size is None and size == DIGITS.pixels:
        return HEIGHT, WIDTH, 1
    height, width = stated.size or (0, 0)
    for channels in CHANNELS:
        if size == height * width * channels and stated.channels in (None, channels):
            return height, width, channels
    if stated.size is None:
        raise DataError(
            f"{where}: The images are rows of {size:,} values, shape {shape}. State their size in pixels: --image-size "
            "HEIGHTxWIDTH, and --channels 3 for color."
        )
    raise DataError(
        f"{where}: The images are rows of {size:,} values, shape {shape}, but {height} x {width} pixels have "
        f"{height * width:,} values in gray and {height * width * 3:,} in color. State another --image-size."
    )


def _words(shape: tuple[int, ...]) -> str:
    return f"images (n, {', '.join(map(str, shape[1:]))})"


def _other_shape(shape: tuple[int, ...], where: str, count: int) -> DataError:
    """Return the error for a shape that is not supported."""
    if count and len(shape) > 1 and shape[0] != count and shape[-1] == count:
        if len(shape) == 2:
            return DataError(
                f"{where}: The images are the columns of an array of shape {shape}. Transpose it: images.T"
            )
        return DataError(
            f"{where}: The images have shape {shape}, with their number last. Move it: np.moveaxis(images, -1, 0)"
        )
    return DataError(
        f"{where}: The images have shape {shape}, but {NEEDED}, with sides of {SIDES[0]} to {SIDES[-1]} pixels. Give "
        "such images, or say to which size they are changed: --image-size HEIGHTxWIDTH."
    )
