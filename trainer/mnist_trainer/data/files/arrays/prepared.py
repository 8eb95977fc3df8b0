"""Pictures of any size as images of a task, prepared as on a device."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mnist_runtime import PictureError, prepare
from mnist_runtime.artifact.task import Task
from mnist_trainer.errors import DataError

__all__ = ["fitted", "prepared"]

Pixels = npt.NDArray[np.uint8]


def prepared(picture: Pixels, task: Task) -> Pixels:
    """Return a picture, upright, as an image of `task`, in the same way as a device.

    Parameters
    ----------
    picture : ndarray of shape (h, w) or (h, w, 1..4), dtype uint8
        Gray or color, with alpha or without.
    task : Task
        Size, channels and preparation.

    Raises
    ------
    PictureError
        If it cannot be used, or is blank where the preparation needs ink.
    """
    return prepare(picture, task)


def fitted(images: Pixels, task: Task, where: str, *, converts: bool = True) -> tuple[Pixels, list[str]]:
    """Return images of one size as images of `task`, and words if they had to be changed.

    Raises
    ------
    DataError
        If an image cannot be used, or they would have to be changed and `converts` is false.
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
