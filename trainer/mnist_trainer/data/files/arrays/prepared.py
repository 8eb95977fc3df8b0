"""Prepare pictures of any size as images of a task, in the same way as on a device."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mnist_runtime import PictureError, prepare
from mnist_runtime.artifact.task import Task
from mnist_trainer.errors import DataError

__all__ = ["fitted", "prepared"]

Pixels = npt.NDArray[np.uint8]


def prepared(picture: Pixels, task: Task) -> Pixels:
    """Prepare an upright picture as an image of `task`, in the same way as on a device.

    Parameters
    ----------
    picture : ndarray of shape (h, w) or (h, w, 1..4), dtype uint8
        Gray or color, with or without alpha.
    task : Task
        Size, channels and preparation of the image.

    Raises
    ------
    PictureError
        If the picture cannot be used, or is blank although the preparation needs ink.
    """
    return prepare(picture, task)


def fitted(images: Pixels, task: Task, where: str, *, converts: bool = True) -> tuple[Pixels, list[str]]:
    """Convert images of one size to images of `task`; return them and a description of the conversion.

    Parameters
    ----------
    images : ndarray of shape (n, h, w) or (n, h, w, 3), dtype uint8
        The images.
    task : Task
        Size, channels and preparation.
    where : str
        Name of the file or array, for messages.
    converts : bool
        Whether a change of size or channels is allowed.

    Raises
    ------
    DataError
        If an image cannot be used, or needs a change and `converts` is false.
    """
    if images.shape[1:] == task.image_shape:
        return images, []
    if not converts:
        raise DataError(
            f"{where}: The images are {_form(images.shape[1:])}, but the model takes {_form(task.image_shape)}. Give "
            f"such images. To convert them as a device converts pictures: --image-size {task.height}x{task.width} "
            f"--channels {task.channels}."
        )
    result = np.empty((len(images), *task.image_shape), np.uint8)
    for index, image in enumerate(images):
        try:
            result[index] = prepared(image, task)
        except PictureError as error:
            raise DataError(f"{where}: The image at index {index} cannot be prepared: {error}") from error
    return result, [f"prepared from {' x '.join(map(str, images.shape[1:]))}"]


def _form(shape: tuple[int, ...]) -> str:
    return f"{shape[0]}x{shape[1]} pixels in {'color' if len(shape) == 3 else 'gray'}"
