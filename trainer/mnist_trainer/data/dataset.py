"""Labelled images: `Dataset`, which checks its arrays when it is created, and the protocol `LabelledImages`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_trainer.errors import DataError, ModelError, UsageError

__all__ = [
    "MOST_SHARED",
    "Dataset",
    "ImageSet",
    "LabelledImages",
    "Labels",
    "Splits",
    "check_digits",
    "check_same_task",
    "content_digest",
    "hold_out",
]

MOST_NAMED = 12
"""Largest number of labels that an error message lists."""

MOST_SHARED = 0.05
"""Largest fraction of test images that may also be training images. Above it, a warning says that a test is useless."""

Labels = npt.NDArray[np.unsignedinteger[Any]]
"""Class numbers: uint8 for up to 256 classes, otherwise uint16."""


class LabelledImages(Protocol):
    """Protocol of labelled images: what the functions that measure models need. A `Dataset` is one implementation."""

    @property
    def name(self) -> str:
        """Name in reports."""
        ...

    @property
    def images(self) -> npt.NDArray[np.uint8]:
        """Pixels 0..255, shape (n, h, w) or (n, h, w, 3). For digits: (n, 28, 28), white on black."""
        ...

    @property
    def labels(self) -> Labels:
        """Class number of each image, shape (n,). For digits: 0..9."""
        ...

    @property
    def task(self) -> Task:
        """Size and channels of the images, class names, and how a device prepares a picture."""
        ...


def check_digits(data: LabelledImages, begin: str, option: str) -> None:
    """Check that the data consists of the ten digits in MNIST form, for a measurement that supports nothing else.

    Parameters
    ----------
    data : LabelledImages
        The images.
    begin : str
        Beginning of the error message, such as ``"Domains are"``.
    option : str
        The option of ``mnist-evaluate`` that enables the measurement.

    Raises
    ------
    UsageError
        If the images or classes are different.
    """
    if not data.task.is_mnist:
        raise UsageError(f"{begin} measured for the ten digits of MNIST only. Leave {option} out.")


def content_digest(data: LabelledImages) -> str:
    """Return the SHA-256 of the bytes of the pixels followed by those of the labels, in hexadecimal."""
    return hashlib.sha256(data.images.tobytes() + data.labels.tobytes()).hexdigest()


def check_same_task(file: str, made_for: Task, given: Task) -> None:
    """Check that the data has the same image form and classes as the model in an exported file.

    Parameters
    ----------
    file : str
        Name of the file, for the message.
    made_for : Task
        Images and classes of the model in the file.
    given : Task
        Images and classes of the data.

    Raises
    ------
    ModelError
        If the images or classes differ, or the classes are in another order.
    """
    if (made_for.image_shape, made_for.labels) != (given.image_shape, given.labels):
        raise ModelError(
            f"{file} is for {_described(made_for)}, but the data has {_described(given)}. Give the data that the file "
            "was made for, with --labels in the same order."
        )


def _described(task: Task) -> str:
    names = ", ".join(task.labels[:MOST_NAMED]) + (", ..." if len(task.labels) > MOST_NAMED else "")
    kind = "gray" if task.channels == 1 else "color"
    return f"{kind} images of {task.height}x{task.width} pixels and the {len(task.labels)} labels {names}"


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Labelled images taken from data sets that were checked before, so they are not checked again."""

    name: str
    images: npt.NDArray[np.uint8]
    labels: Labels
    task: Task = DIGITS


@dataclass(frozen=True, eq=False)
class Dataset:
    """One split of a data set.

    Parameters
    ----------
    name : str
        Name in reports: ``"mnist"``, ``"digits"`` or the name of the user's file.
    split : str
        ``"train"``, ``"validation"`` or ``"test"``.
    provenance : str
        Description of where the images come from.
    images : ndarray of shape (n, h, w) or (n, h, w, 3), dtype uint8
        Pixels 0..255. For digits: (n, 28, 28), white on black, as in MNIST.
    labels : ndarray of shape (n,), dtype uint8 or uint16
        Class number of each image. For digits: 0..9. Lists and whole numbers of other types are converted.
    task : Task, optional
        Size and channels of the images, class names, and how a device prepares a picture. Default: digits.

    Raises
    ------
    DataError
        If the shape, dtype or labels are not as described, or the brightness does not fit the preparation of MNIST.
    """

    name: str
    split: str
    provenance: str
    images: npt.NDArray[np.uint8]
    labels: Labels
    task: Task = DIGITS

    def __post_init__(self) -> None:
        where = f"{self.name} ({self.split})"
        for field in ("images", "labels"):
            object.__setattr__(self, field, _array(getattr(self, field), field, where))
        images, labels, task = self.images, self.labels, self.task
        if images.dtype != np.uint8 or images.shape[1:] != task.image_shape:
            raise DataError(
                f"{where}: The images have shape {images.shape} and dtype {images.dtype}. Convert them to shape "
                f"(n, {', '.join(map(str, task.image_shape))}) and dtype uint8, with pixels 0..255."
            )
        if labels.shape != (len(images),):
            raise DataError(
                f"{where}: There are {len(images)} images, but the labels have shape {labels.shape}. Give one label "
                "for each image."
            )
        if len(images) == 0:
            raise DataError(f"{where}: There are no images. Check the file.")
        object.__setattr__(self, "labels", _class_numbers(labels, len(task.labels), where))
        if task.preparation == "mnist" and images.mean() > 127:
            raise DataError(
                f"{where}: Most pixels are bright (mean {images.mean():.0f} of 255), but digits must be white on "
                "black. Invert the images: 255 - images."
            )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def sha256(self) -> str:
        """SHA-256 of the pixels followed by the labels."""
        return content_digest(self)

    def pixels(self, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """Return the images as input of a model trained by this package: float32 (n, *shape), 0..1."""
        return self.images.reshape(-1, *shape).astype(np.float32) / np.float32(255)

    def take(self, indices: npt.NDArray[np.intp], split: str) -> Dataset:
        """Return the images at `indices` as a data set with the split name `split`."""
        return replace(self, split=split, images=self.images[indices], labels=self.labels[indices])


def _array(values: Any, field: str, where: str) -> npt.NDArray[Any]:
    """Return `values`, an array or a list of numbers, as an array."""
    try:
        return np.asarray(values)
    except (ValueError, TypeError) as error:  # lists of different lengths
        raise DataError(f"{where}: The {field} have no common shape. Give them as one NumPy array.") from error


def _class_numbers(labels: npt.NDArray[Any], classes: int, where: str) -> Labels:
    """Return `labels` as unsigned integers; raise a `DataError` unless each is one of 0..`classes` - 1."""
    allowed = f"Labels must be 0..{classes - 1}."
    if labels.dtype.kind not in "uif":
        raise DataError(f"{where}: The labels have dtype {labels.dtype}. {allowed}")
    is_allowed = (labels >= 0) & (labels < classes)
    if labels.dtype.kind == "f":
        is_allowed &= labels == np.floor(labels)
    if not is_allowed.all():
        index = int(is_allowed.argmin())
        raise DataError(f"{where}: The label at index {index} is {labels[index].item():g}. {allowed}")
    return labels if labels.dtype.kind == "u" else labels.astype(np.uint8 if classes <= 256 else np.uint16)


class Splits(NamedTuple):
    """A data set in two parts: `train` for training and calibration, `test` only for reported results."""

    train: Dataset
    test: Dataset


def hold_out(whole: Dataset, count: int, seed: int, names: tuple[str, str]) -> Splits:
    """Split `whole` into two parts with the same class frequencies; the second one has `count` images.

    The only image of a class goes into the larger part.

    Parameters
    ----------
    whole : Dataset
        The images to split.
    count : int
        Number of images in the second part.
    seed : int
        Seed of the random choice.
    names : tuple of str
        Split names of the two parts.

    Raises
    ------
    DataError
        If there are too few images for both parts.

    Examples
    --------
    >>> import numpy as np
    >>> whole = Dataset("ten", "all", "made up", np.zeros((40, 28, 28), np.uint8), np.arange(40, dtype=np.uint8) % 10)
    >>> rest, held = hold_out(whole, 10, seed=0, names=("train", "validation"))
    >>> len(rest), np.bincount(held.labels).tolist()
    (30, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    """
    from sklearn.model_selection import train_test_split

    sizes = np.bincount(whole.labels, minlength=len(whole.task.labels))
    singles, shared = np.flatnonzero(sizes[whole.labels] == 1), np.flatnonzero(sizes[whole.labels] > 1)
    holds_most = 2 * count > len(whole)
    wanted = count - len(singles) if holds_most else count
    try:
        rest, held = train_test_split(shared, test_size=wanted, random_state=seed, stratify=whole.labels[shared])
    except ValueError as error:
        single = [label for label, size in zip(whole.task.labels, sizes, strict=True) if size == 1]
        reason = f"only one shows {', '.join(single[:5])}" if single else f"{count} of them are too many or too few"
        raise DataError(
            f"{whole.name}: {len(whole):,} images cannot be divided into {names[0]} and {names[1]}: {reason}. Give at "
            f"least three images of each {'digit' if whole.task.is_mnist else 'class'}; fifty are better."
        ) from error
    rest, held = (rest, np.append(held, singles)) if holds_most else (np.append(rest, singles), held)
    return Splits(whole.take(np.sort(rest), names[0]), whole.take(np.sort(held), names[1]))
