"""Make `Splits` of images and labels in memory, such as those from ``keras.datasets``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from mnist_runtime.system.command import echo
from mnist_trainer.data.dataset import Dataset, Splits
from mnist_trainer.data.files.arrays.parts import Labelled, Part, read_parts
from mnist_trainer.data.own_data.division import divide
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.errors import DataError

__all__ = ["splits_of_arrays"]


def splits_of_arrays(
    train: Sequence[Any],
    test: Sequence[Any],
    stated: StatedTask | None = None,
    seen: Collection[str] | None = None,
) -> Splits:
    """Make a data set of two pairs of images and labels, converted like the arrays of an ``.npz`` file.

    Parameters
    ----------
    train, test : sequence of two array-likes
        Images of shape (n, h, w), (n, h, w, c) or (n, pixels), pixels 0..255 or 0..1, and their n labels. Test images
        with None in place of their labels are left out, and `train` is divided.
    stated : StatedTask, optional
        Known facts about the images and classes. Default: digits as in MNIST, if the data can be that.
    seen : collection of str, optional
        How `train` is divided; see `divide`.

    Raises
    ------
    DataError
        If the form of the arrays is not known, or the numbers of images and labels do not match.

    Examples
    --------
    >>> images, labels = np.eye(28, dtype=np.uint8)[None].repeat(20, axis=0) * 255, np.arange(20) % 10
    >>> splits = splits_of_arrays((images, labels), (images[:10] / 255, labels[:10]))
    >>> splits.test.images.shape, splits.test.labels.dtype, splits.test.task.is_mnist
    ((10, 28, 28), dtype('uint8'), True)
    """
    parts, notes = [], list[str]()
    for split, (images, labels) in (("train", train), ("test", test)):
        names = f"x_{split}, y_{split}"
        if split == "test" and labels is None:
            notes.append(f"x_{split} has no labels and is not read")
            continue
        try:
            parts.append(Part(np.asarray(images), np.asarray(labels), names))
        except (ValueError, TypeError) as error:  # lists of different lengths
            raise DataError(f"{names}: These are no arrays. Give images and labels as NumPy arrays.") from error
    reading = read_parts(parts, "arrays in memory", stated or StatedTask())
    for note in (*reading.notes, *notes):
        echo(f"note: {note}")

    def dataset(split: str, part: Labelled) -> Dataset:
        provenance = f"the user's own images ({reading.form})"
        return Dataset("arrays", split, provenance, part.images, part.labels, reading.task)

    if reading.test is None:
        return divide(dataset("all", reading.train), seen)
    return Splits(dataset("train", reading.train), dataset("test", reading.test))
