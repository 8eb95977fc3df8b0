"""Convert the splits of a file, as arrays of images and labels, to images and class numbers of one task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_runtime.errors import counted
from mnist_trainer.data.dataset import Labels
from mnist_trainer.data.files.arrays.labels import classes_of, read_labels
from mnist_trainer.data.files.arrays.prepared import fitted
from mnist_trainer.data.files.arrays.shapes import shaped
from mnist_trainer.data.files.bounded import MOST_BYTES, MOST_IMAGES
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.errors import DataError

__all__ = ["Labelled", "LoadedData", "Part", "check_size", "read_images", "read_parts", "task_of"]

Array = npt.NDArray[Any]

STEP = 8192
"""Number of images that are converted at a time. A small number limits the memory."""
LEAST_FULL_RANGE = 32
"""Pixels are read as 0..255 only if their maximum is above this: some data sets have pixels 0..15 or 0..16."""
DIM = 127
"""If no pixel is brighter than this, the maximum is printed, because the pixels may be scaled wrongly."""
BRIGHT_BORDER = 127
"""An image has a bright border if the median of its outermost pixels is above this."""
ALL_INVERTED, NONE_INVERTED = 0.95, 0.05
"""Fraction of images with a bright border from which all images are inverted, and up to which none is.

Between the two, the set is mixed: nothing is inverted, and a note is printed.
"""


class Part(NamedTuple):
    """Images and labels of one split as they are in the file, and the name of their source for messages."""

    images: Array
    labels: Array
    where: str


@dataclass(frozen=True, eq=False)
class Labelled:
    """Images, uint8 (n, h, w) or (n, h, w, 3), and their class numbers, (n,)."""

    images: npt.NDArray[np.uint8]
    labels: Labels


@dataclass(frozen=True, eq=False)
class LoadedData:
    """The data set that was read from a file or folder.

    Parameters
    ----------
    train : Labelled
        The training split, or the whole set if it is not divided.
    test : Labelled or None
        The test split; None if the set is not divided.
    task : Task
        Size and channels of the images, class names, and how a device prepares a picture.
    form : str
        Description of the format and of the conversions, for one line on stderr.
    notes : tuple of str
        Notes on what was left out or may be wrong.
    """

    train: Labelled
    test: Labelled | None
    task: Task
    form: str
    notes: tuple[str, ...] = ()


def check_size(images: int, size: int, where: str) -> None:
    """Check that a data set is not too large to be read into memory.

    Parameters
    ----------
    images : int
        Number of images.
    size : int
        Size in bytes.
    where : str
        Name of the file, for messages.

    Raises
    ------
    DataError
        If there are too many images or bytes.
    """
    if images > MOST_IMAGES:
        raise DataError(f"{where}: There are {images:,} images, but at most {MOST_IMAGES:,} are read. Give a part.")
    if size > MOST_BYTES:
        raise DataError(f"{where}: The data has more than {MOST_BYTES >> 30} GiB. Give a part, or save it as uint8.")


def read_parts(
    parts: Iterable[Part], form: str, stated: StatedTask, names: tuple[str, ...] | None = None
) -> LoadedData:
    """Read the images and labels of the training split and, if there is one, of the test split.

    Parameters
    ----------
    parts : iterable of Part
        The training split and, if there is one, the test split, in any unambiguous form.
    form : str
        Description of the data, such as ``"4 IDX files"``. The conversions are added to it.
    stated : StatedTask
        Known facts about the images and classes.
    names : tuple of str, optional
        Class names that the data itself contains, used if `stated` has none.

    Raises
    ------
    DataError
        If the form is not known, or the numbers of images and labels do not match.
    """
    images: list[npt.NDArray[np.uint8]] = []
    raw, words, places = [], [], []
    for part in parts:
        check_size(len(part.images) if part.images.ndim else 0, part.images.nbytes, part.where)
        count = len(part.labels) if part.labels.ndim else 0
        pixels, part_words = read_images(part.images, part.where, stated, count)
        raw.append(read_labels(part.labels, part.where))
        if len(pixels) != len(raw[-1].values):
            raise DataError(
                f"{part.where}: There are {len(pixels):,} images, but {counted(len(raw[-1].values), 'label')}. Give "
                "one label for each image."
            )
        images.append(pixels)
        words += part_words
        places.append(part.where)
    if len({pixels.shape[1:] for pixels in images}) > 1:
        shapes = " and ".join(str(pixels.shape) for pixels in images)
        raise DataError(f"{places[0]}: Training and test images have shapes {shapes}. Give images of one size.")
    may_be_digits = stated.may_be_digits and images[0].shape[1:] == DIGITS.image_shape
    classes = classes_of(raw, stated.labels or names, may_be_digits=may_be_digits, count=stated.classes)
    task = task_of(images[0].shape[1:], classes.names, stated, places[0])
    notes: list[str] = []
    for place, pixels in enumerate(images):
        images[place], size_words = fitted(pixels, task, places[place], converts=stated.converts)
        words += size_words
        if task.preparation == "mnist":
            images[place], polarity_words, polarity_notes = _white_on_black(pixels)
            words += polarity_words
            notes += [f"{places[place]}: {note}" for note in polarity_notes]
    words += [word for labels in raw for word in labels.words]
    splits = [Labelled(*pair) for pair in zip(images, classes.indices, strict=True)]
    form = "; ".join([form, *dict.fromkeys((*words, *classes.words))])
    return LoadedData(splits[0], splits[1] if len(splits) == 2 else None, task, form, tuple(notes))


def task_of(shape: Sequence[int], names: tuple[str, ...], stated: StatedTask, where: str) -> Task:
    """Return the task for images of `shape`, (h, w) or (h, w, 3), and for the classes `names`.

    Raises
    ------
    DataError
        If `Task` does not support such images or classes.
    """
    height, width, channels = (*shape, 1)[:3]
    try:
        return stated.task(height, width, channels, names)
    except ValueError as error:
        raise DataError(f"{where}: The data cannot be used: {error}.") from error


def read_images(
    images: Array, where: str, stated: StatedTask | None = None, count: int = 0
) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Read images of any unambiguous shape, dtype and pixel range.

    Parameters
    ----------
    images : ndarray
        The images.
    where : str
        Name of the file or array, for messages.
    stated : StatedTask, optional
        Known facts about the images.
    count : int
        Number of labels; 0 if it is not known.

    Returns
    -------
    tuple
        Images, uint8 (n, h, w) or (n, h, w, 3), and a short description of each conversion.

    Raises
    ------
    DataError
        If the form is not known, or the pixel range is not supported.
    """
    if images.dtype.kind not in "buif":
        raise DataError(f"{where}: The images have dtype {images.dtype}. Convert them to uint8, with pixels 0..255.")
    tensor, words = shaped(images, where, stated or StatedTask(), count)
    if not tensor.size:
        raise DataError(f"{where}: There are no images. Check the file.")
    pixels, range_words = _bytes(tensor, where)
    return pixels, words + range_words


def _bytes(images: Array, where: str) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Return the pixels as uint8, 0..255, and a short description of each conversion."""
    low, high = float(images.min()), float(images.max())
    if not np.isfinite(low) or not np.isfinite(high):
        raise DataError(f"{where}: Some pixels are nan or infinity. Convert them to numbers 0..255.")
    kind = "floats" if images.dtype.kind == "f" else "integers"
    ends = f"{low:.4g} to {high:.4g}"
    if low < 0:
        is_symmetric = low >= -1.001 and high <= 1.001
        fix = (
            "If they are -1..1, give (images + 1) / 2."
            if is_symmetric
            else "They seem to be standardized. Give the pixels as they were before."
        )
        raise DataError(f"{where}: The pixels range from {ends}, but 0..255 or 0..1 is needed. {fix}")
    if 0 < high <= 1.001:
        return _converted(images, 255.0), ["pixels 0 or 1" if kind == "integers" else "floats 0..1"]
    if high > 255:
        fix = "For 16-bit pixels give images / 65535." if high <= 65535 else "Convert them."
        raise DataError(f"{where}: The pixels range from {ends}, but 0..255 or 0..1 is needed. {fix}")
    if 0 < high <= LEAST_FULL_RANGE:
        raise DataError(
            f"{where}: The pixels are {kind} from {ends}, which is neither 0..255 nor 0..1. Divide them by their "
            "largest possible value."
        )
    dim = [f"brightest pixel {high:.0f} of 255"] if 0 < high <= DIM else []
    if kind == "integers":
        return images if images.dtype == np.uint8 else _converted(images, 1.0), dim
    return _converted(images, 1.0), ["floats 0..255" + ("" if _whole(images) else ", rounded"), *dim]


def _converted(images: Array, factor: float) -> npt.NDArray[np.uint8]:
    pixels = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), STEP):
        part = images[start : start + STEP]
        if factor != 1 or part.dtype.kind == "f":
            part = np.clip(np.rint(part.astype(np.float64) * factor), 0, 255)
        pixels[start : start + STEP] = part
    return pixels


def _whole(values: Array) -> bool:
    steps = range(0, len(values), STEP)
    return all((part == np.rint(part)).all() for part in (values[start : start + STEP] for start in steps))


def _white_on_black(
    images: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.uint8], list[str], list[str]]:
    """Invert the images if they are black on white; return them, the conversions and notes.

    The outermost pixels of an image show its background.
    """
    border = np.concatenate([images[:, 0], images[:, -1], images[:, 1:-1, 0], images[:, 1:-1, -1]], axis=1)
    bright = np.median(border, axis=1) > BRIGHT_BORDER
    fraction = float(bright.mean())
    if fraction >= ALL_INVERTED:
        return np.uint8(255) - images, ["black on white, inverted"], []
    if fraction > NONE_INVERTED:
        note = (
            f"{bright.sum():,} of {len(images):,} images have a bright border, as black digits on white have. All must "
            "be white on black: invert these images (255 - image)."
        )
        return images, [], [note]
    return images, [], []
