"""Arrays of images and labels in the forms that people have, as uint8 (n, 28, 28) and digits (n,)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_trainer.data.files.forms import LABELS, MOST_BYTES, MOST_IMAGES
from mnist_trainer.errors import DataError

__all__ = ["Labelled", "Reading", "check_size", "read_arrays", "read_images", "read_labels", "read_splits"]

Array = npt.NDArray[Any]

SIDE, CLASSES = 28, 10
STEP = 8192
"""Images converted at once, which limits memory."""
LEAST_FULL_RANGE = 32
"""Pixels are read as 0..255 if their maximum is above this. Some sets have 0..15 or 0..16."""
DIM = 127
"""Maximum up to which it is printed."""
BRIGHT_BORDER = 127
ALL_INVERTED, NONE_INVERTED = 0.95, 0.05
"""Fractions of images with a bright border from which, and up to which, a set has one polarity."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Images uint8 (n, 28, 28), white on black, and their digits uint8 (n,)."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Reading:
    """What a file or folder holds.

    Parameters
    ----------
    train : Labelled
        The training split, or the whole set.
    test : Labelled or None
        The test split; None if the set is not divided.
    form : str
        What the data was read as, for one line on stderr.
    notes : tuple of str
        Remarks about what was left out or may be wrong.
    """

    train: Labelled
    test: Labelled | None
    form: str
    notes: tuple[str, ...] = ()


def check_size(images: int, size: int, where: str) -> None:
    """Check that `images` images in `size` bytes are not more than this package reads into memory.

    Raises
    ------
    DataError
        If they are.
    """
    if images > MOST_IMAGES:
        raise DataError(f"{where}: There are {images:,} images, but at most {MOST_IMAGES:,} are read. Give a part.")
    if size > MOST_BYTES:
        raise DataError(f"{where}: The data has more than {MOST_BYTES >> 30} GiB. Give a part, or save it as uint8.")


def read_arrays(images: Array, labels: Array, where: str) -> tuple[Labelled, list[str], list[str]]:
    """Read images and labels in any unambiguous form.

    Returns
    -------
    tuple
        The images with their digits; words for each conversion, such as ``"one-hot labels"``; and notes.

    Raises
    ------
    DataError
        If the form is not known or the numbers do not fit.
    """
    check_size(len(images) if images.ndim else 0, images.nbytes, where)
    pixels, words, notes = read_images(images, where, len(labels) if labels.ndim else 0)
    digits, label_words = read_labels(labels, where)
    if len(pixels) != len(digits):
        raise DataError(
            f"{where}: There are {len(pixels):,} images, but {len(digits):,} labels. Give one label for each image."
        )
    return Labelled(pixels, digits), words + label_words, notes


def read_splits(splits: Iterable[tuple[Array, Array, str]], form: str) -> Reading:
    """Read the images and labels of the training split and, if there is one, of the test split.

    Parameters
    ----------
    splits : iterable of (ndarray, ndarray, str)
        Images, labels and their place for messages, of one split or two.
    form : str
        What the data is, such as ``"4 IDX files"``. The conversions are added to it.

    Raises
    ------
    DataError
        See `read_arrays`.
    """
    parts: list[Labelled] = []
    words: list[str] = []
    notes: list[str] = []
    for images, labels, where in splits:
        part, part_words, part_notes = read_arrays(images, labels, where)
        parts.append(part)
        words += [word for word in part_words if word not in words]
        notes += [f"{where}: {note}" for note in part_notes]
    return Reading(parts[0], parts[1] if len(parts) == 2 else None, "; ".join([form, *words]), tuple(notes))


def read_images(images: Array, where: str, count: int = 0) -> tuple[npt.NDArray[np.uint8], list[str], list[str]]:
    """Read images of any unambiguous shape, dtype, pixel range and polarity; `count` is the number of labels."""
    if images.dtype.kind not in "buif":
        raise DataError(f"{where}: The images have dtype {images.dtype}. Convert them to uint8, with pixels 0..255.")
    flat, words = _square(images, where, count)
    if not flat.size:
        raise DataError(f"{where}: There are no images. Check the file.")
    pixels, range_words = _bytes(flat, where)
    pixels, polarity_words, notes = _white_on_black(pixels)
    return pixels, words + range_words + polarity_words, notes


def _square(images: Array, where: str, count: int) -> tuple[Array, list[str]]:
    """Return the images with shape (n, 28, 28)."""
    shape, n = images.shape, len(images) if images.ndim else 0
    words = [] if shape[1:] in ((SIDE, SIDE), (SIDE, SIDE, 1)) else [f"images {_shape_words(shape)}"]
    if images.ndim in (2, 3, 4) and [size for size in shape[1:] if size != 1] in ([SIDE, SIDE], [SIDE * SIDE]):
        return images.reshape(n, SIDE, SIDE), words
    if images.ndim == 4 and shape[1:3] == (SIDE, SIDE) and shape[3] == 3:
        if (images == images[..., :1]).all():
            return images[..., 0], [*words, "three equal channels"]
        raise DataError(
            f"{where}: The images are in colour, shape {shape}. Convert them to gray, shape (n, 28, 28), or give "
            "picture files in folders 0/ to 9/, which are prepared as on a device."
        )
    if count and shape == (SIDE * SIDE, count):
        raise DataError(f"{where}: The images are the columns of an array of shape {shape}. Transpose it: images.T")
    if count and shape[:2] == (SIDE, SIDE) and shape[-1] == count:
        raise DataError(
            f"{where}: The images have shape {shape}, with their number last. Move it: np.moveaxis(images, -1, 0)"
        )
    raise DataError(
        f"{where}: The images have shape {shape}, but (n, 28, 28), (n, 28, 28, 1) or (n, 784) is needed. Resize them "
        "to 28x28 pixels, or give picture files in folders 0/ to 9/, which are prepared as on a device."
    )


def _shape_words(shape: tuple[int, ...]) -> str:
    return f"(n, {', '.join(map(str, shape[1:]))})"


def _bytes(images: Array, where: str) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Return the pixels as uint8 0..255."""
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
    """Invert a set that is black on white; the outermost pixels of a digit's image show its background."""
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


def read_labels(labels: Array, where: str) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Read labels 0..9: whole numbers of any type, strings, one-hot rows, and shape (n,), (n, 1) or (1, n).

    Examples
    --------
    >>> read_labels(np.array([["3"], ["nine"]]), "here")
    (array([3, 9], dtype=uint8), ['labels (n, 1)', 'labels as text'])
    >>> read_labels(np.eye(10)[[4, 2]], "here")
    (array([4, 2], dtype=uint8), ['one-hot labels'])
    """
    words = []
    if labels.ndim == 2 and labels.shape[1] == CLASSES and labels.dtype.kind in "buif":
        return _from_one_hot(labels, where), ["one-hot labels"]
    if labels.ndim == 2 and 1 in labels.shape:
        words = ["labels (n, 1)" if labels.shape[1] == 1 else "labels (1, n)"]
        labels = labels.ravel()
    if labels.ndim != 1:
        raise DataError(
            f"{where}: The labels have shape {labels.shape}. Give one digit for each image, shape (n,), or one-hot "
            "rows, shape (n, 10)."
        )
    if labels.dtype.kind in "US":
        labels, words = _from_text(labels, where), [*words, "labels as text"]
    elif labels.dtype.kind == "f":
        wrong = np.flatnonzero(~np.isfinite(labels) | (labels != np.rint(labels)))
        if wrong.size:
            raise DataError(
                f"{where}: The label at index {wrong[0]} is {labels[wrong[0]]}. Convert them to integers 0..9."
            )
        words = [*words, "labels as floats"]
    elif labels.dtype.kind not in "ui":
        raise DataError(f"{where}: The labels have dtype {labels.dtype}. Convert them to integers 0..9.")
    _check_range(labels, where)
    return labels.astype(np.uint8), words


def _from_one_hot(labels: Array, where: str) -> npt.NDArray[np.uint8]:
    if not (np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()):
        raise DataError(
            f"{where}: The labels have ten columns, but are not one-hot: each row needs one 1 and nine 0. If they are "
            "probabilities, give labels.argmax(axis=1)."
        )
    place: npt.NDArray[np.intp] = np.argmax(labels, axis=1)
    return place.astype(np.uint8)


def _from_text(labels: Array, where: str) -> npt.NDArray[np.uint8]:
    names, places = np.unique(np.char.strip(labels.astype(str)), return_inverse=True)
    digits = [LABELS.get(name.lower(), LABELS.get(name.removesuffix(".0"), -1)) for name in names.tolist()]
    if -1 in digits:
        wrong = names[digits.index(-1)]
        index = int(np.flatnonzero(places == digits.index(-1))[0])
        raise DataError(f"{where}: The label at index {index} is {str(wrong)[:40]!r}. Labels must be 0..9.")
    return np.array(digits, np.int16)[places].astype(np.uint8)


def _check_range(labels: Array, where: str) -> None:
    wrong = np.flatnonzero((labels < 0) | (labels >= CLASSES))
    if wrong.size:
        is_one_to_ten = labels.min() == 1 and labels.max() == CLASSES
        hint = " If 10 stands for 0, as in SVHN, give labels % 10." if is_one_to_ten else ""
        raise DataError(
            f"{where}: The label at index {wrong[0]} is {int(labels[wrong[0]])}. Labels must be 0..9.{hint}"
        )
