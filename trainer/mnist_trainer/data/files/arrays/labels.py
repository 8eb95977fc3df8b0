"""Read labels in the usual forms (numbers, text, one-hot rows), and find the classes that they name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.task import DIGITS, MOST_LABELS
from mnist_runtime.errors import counted
from mnist_trainer.data.dataset import Labels
from mnist_trainer.data.files.arrays.class_names import Names, in_order, number_of, place_of, spelled_once
from mnist_trainer.data.files.names import LABELS
from mnist_trainer.errors import DataError

__all__ = ["Classes", "RawLabels", "classes_of", "read_labels"]

Array = npt.NDArray[Any]

LEAST_PRESENT = 0.5
"""Fraction of the numbers from the smallest to the largest label that must occur, if the classes have no names."""


@dataclass(frozen=True, eq=False)
class RawLabels:
    """Labels of one split, before the classes are known.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Whole numbers or text.
    columns : int or None
        Number of columns if the labels were one-hot rows; `values` are then the indices of the ones. None otherwise.
    words : tuple of str
        Notes on what was converted.
    where : str
        Name of the file or array, for messages.
    """

    values: Array
    columns: int | None
    words: tuple[str, ...]
    where: str

    @property
    def is_text(self) -> bool:
        """Whether the labels are text, not numbers."""
        return self.values.dtype.kind == "U"


@dataclass(frozen=True, eq=False)
class Classes:
    """The classes of a data set.

    Parameters
    ----------
    names : tuple of str
        Names of the classes.
    indices : list of ndarray
        For each split, the class number of each image.
    words : tuple of str
        Notes on what was converted.
    """

    names: Names
    indices: list[Labels]
    words: tuple[str, ...] = ()


def read_labels(labels: Array, where: str) -> RawLabels:
    """Read labels: whole numbers of any type, text or one-hot rows, of shape (n,), (n, 1), (1, n) or (n, classes).

    Parameters
    ----------
    labels : ndarray
        The labels.
    where : str
        Name of the file or array, for messages.

    Raises
    ------
    DataError
        If the labels have another form.

    Examples
    --------
    >>> read_labels(np.array([["3"], ["nine"]]), "here").values
    array([3, 9])
    >>> read_labels(np.eye(10)[[4, 2]], "here").words
    ('one-hot labels',)
    """
    words = []
    if labels.ndim == 2 and min(labels.shape) > 1 and labels.dtype.kind in "buif":
        return RawLabels(_from_one_hot(labels, where), labels.shape[1], ("one-hot labels",), where)
    if labels.ndim == 2 and labels.shape == (1, DIGITS_COUNT) and _is_one_hot(labels):
        return RawLabels(_from_one_hot(labels, where), labels.shape[1], ("one-hot labels",), where)
    if labels.ndim == 2 and 1 in labels.shape:
        words = ["labels (n, 1)" if labels.shape[1] == 1 else "labels (1, n)"]
        labels = labels.ravel()
    if labels.ndim != 1:
        raise DataError(
            f"{where}: The labels have shape {labels.shape}. Give one number for each image, shape (n,), or one-hot "
            "rows, shape (n, 10) for ten classes."
        )
    if labels.dtype.kind in "US":
        return RawLabels(_from_text(labels), None, (*words, "labels as text"), where)
    if labels.dtype.kind == "f":
        wrong = np.flatnonzero(~np.isfinite(labels) | (labels != np.rint(labels)))
        if wrong.size:
            raise DataError(f"{where}: The label at index {wrong[0]} is {labels[wrong[0]]}. Convert them to integers.")
        words = [*words, "labels as floats"]
    elif labels.dtype.kind not in "ui":
        raise DataError(f"{where}: The labels have dtype {labels.dtype}. Convert them to integers.")
    wrong = np.flatnonzero((labels < 0) | (labels > LARGEST_NUMBER))
    if wrong.size:
        bounds = "begin with 0" if labels[wrong[0]] < 0 else f"are {LARGEST_NUMBER:,} at most"
        raise DataError(f"{where}: The label at index {wrong[0]} is {labels[wrong[0]]:.12g}. Labels {bounds}.")
    return RawLabels(labels.astype(np.int64), None, tuple(words), where)


DIGITS_COUNT = len(DIGITS.labels)
LARGEST_NUMBER = 2**31


def _is_one_hot(labels: Array) -> bool:
    return bool(np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all())


def _from_one_hot(labels: Array, where: str) -> Array:
    if not _is_one_hot(labels):
        raise DataError(
            f"{where}: The labels have {counted(labels.shape[1], 'column')}, but are not one-hot: each row needs one "
            "1, and 0 otherwise. If they are probabilities, give labels.argmax(axis=1)."
        )
    return np.asarray(np.argmax(labels, axis=1))


def _from_text(labels: Array) -> Array:
    """Convert text to numbers if each label is a number or a digit in words; otherwise only strip spaces."""
    names, places = np.unique(np.char.strip(labels.astype(str)), return_inverse=True)
    numbers = [number_of(name) for name in names.tolist()]
    if None in numbers:
        return np.asarray(names[places])
    return np.array(numbers, np.int64)[places]


def classes_of(
    parts: Sequence[RawLabels], names: Names | None, *, may_be_digits: bool, count: int | None = None
) -> Classes:
    """Find the classes of all splits, and the class number of each image.

    Parameters
    ----------
    parts : sequence of RawLabels
        The labels of each split.
    names : tuple of str or None
        The class names, if they are known. Labels are then these names, or numbers that start at 0 or 1.
    may_be_digits : bool
        Whether the images have the form of MNIST. Labels 0..9 then mean the ten digits, even if some do not occur.
    count : int, optional
        Number of classes, if only that is known.

    Raises
    ------
    DataError
        If a label is not one of the classes, or the classes cannot be derived from the labels.

    Examples
    --------
    >>> letters = read_labels(np.array(["b", "a", "b"]), "here")
    >>> found = classes_of([letters], None, may_be_digits=True)
    >>> found.names, found.indices[0].tolist()
    (('a', 'b'), [1, 0, 1])
    """
    counts = {part.columns for part in parts if part.columns}
    if len(counts) > 1:
        different = " and ".join(map(str, sorted(counts)))
        raise DataError(f"{parts[0].where}: One-hot labels have {different} columns. Give one column for each class.")
    if names is None:
        names = _numbered(0, counts.pop()) if counts else _found(parts, may_be_digits, count)
    return _indexed(parts, names)


def _numbered(first: int, last: int) -> Names:
    return tuple(map(str, range(first, last)))


def _found(parts: Sequence[RawLabels], may_be_digits: bool, known: int | None) -> Names:
    """Return the names of the classes of labels that are not one-hot."""
    if any(part.is_text for part in parts):
        return _found_in_text(parts, may_be_digits)
    present = np.unique(np.concatenate([part.values for part in parts]))
    _check_count(len(present), parts[0].where, may_be_digits=may_be_digits)
    if may_be_digits and (not present.size or present[-1] < DIGITS_COUNT):
        return DIGITS.labels
    low, high = (int(present[0]), int(present[-1])) if present.size else (0, 0)
    if known and not may_be_digits and (high < known or (low, high) == (1, known)):
        return _numbered(low if high == known else 0, known if high < known else known + 1)
    count = high - low + 1
    is_numbering = low in (0, 1) and 1 < count <= MOST_LABELS and len(present) >= LEAST_PRESENT * count
    is_like_svhn = may_be_digits and (low, high) == (1, DIGITS_COUNT)
    if is_numbering and not is_like_svhn:
        return _numbered(low, high + 1)
    if may_be_digits:
        hint = "If 10 stands for 0, as in SVHN, give labels % 10. " if is_like_svhn else ""
        wrong = next(part for part in parts if (part.values >= DIGITS_COUNT).any())
        index = int(np.flatnonzero(wrong.values >= DIGITS_COUNT)[0])
        raise DataError(
            f"{wrong.where}: The label at index {index} is {wrong.values[index]}. Labels must be 0..9. {hint}If they "
            "are other classes, name all of them: --labels A,B,..."
        )
    raise DataError(
        f"{parts[0].where}: The labels are {len(present):,} different numbers from {low} to {high}, which do not "
        "number classes from 0 or 1. Name the classes: --labels A,B,..."
    )


def _found_in_text(parts: Sequence[RawLabels], may_be_digits: bool) -> Names:
    names = in_order(spelled_once([[str(name) for name in np.unique(part.values)] for part in parts]))
    _check_count(len(names), parts[0].where, may_be_digits=may_be_digits)
    others = [name for name in names if name.lower() not in LABELS]
    if may_be_digits and (len(others) < len(names) or len(names) == 1):
        part = next(part for part in parts if part.is_text)
        index = int(np.flatnonzero(np.isin(part.values, others))[0])
        raise DataError(
            f"{part.where}: The label at index {index} is {str(part.values[index])[:40]!r}. Labels must be 0..9. If "
            "they are other classes, name all of them: --labels A,B,..."
        )
    return names


def _check_count(count: int, where: str, *, may_be_digits: bool) -> None:
    """Check the number of classes that occur. One is enough for digits, because all ten classes are known."""
    if count > MOST_LABELS or (count == 1 and not may_be_digits):
        raise DataError(
            f"{where}: {'There is one class' if count == 1 else f'There are {count:,} classes'}, but 2 to "
            f"{MOST_LABELS:,} are needed. Give images of more classes, or fewer, or name them: --labels A,B,..."
        )


def _indexed(parts: Sequence[RawLabels], names: Names) -> Classes:
    """Return the class number of each image, from labels that are class names or class numbers."""
    dtype: type[np.unsignedinteger[Any]] = np.uint8 if len(names) <= 1 << 8 else np.uint16
    without_one_hot = [part for part in parts if part.columns is None]
    present = {value for part in without_one_hot for value in np.unique(part.values).tolist()}
    by_name = {value: place for value in present if (place := place_of(str(value), names)) is not None}
    places: dict[Any, int] = {}
    words: tuple[str, ...] = ()
    if len(by_name) == len(present):
        places = by_name
    elif all(isinstance(value, int) for value in present):
        first = 1 if min(present) > 0 and max(present) == len(names) else 0
        places = {value: value - first for value in present if value - first < len(names)}
        words = (f"labels 1 to {len(names)}",) if first else ()
    else:
        places = by_name
    indices: list[Labels] = []
    for part in parts:
        if part.columns is not None:
            if part.columns != len(names):
                raise DataError(
                    f"{part.where}: The one-hot labels have {counted(part.columns, 'column')}, but {len(names)} "
                    "classes are named. Name one for each column."
                )
            indices.append(part.values.astype(dtype))
            continue
        found, inverse = np.unique(part.values, return_inverse=True)
        mapped = np.array([places.get(value, -1) for value in found.tolist()], np.int64)[inverse]
        if (mapped < 0).any():
            index = int(np.flatnonzero(mapped < 0)[0])
            raise DataError(
                f"{part.where}: The label at index {index} is {str(part.values[index])[:40]!r}, which is none of the "
                f"{len(names)} classes {_listed(names)}. Name all classes, in the order of the scores."
            )
        indices.append(mapped.astype(dtype))
    return Classes(names, indices, words)


def _listed(names: Names) -> str:
    """Return the names as text for a message, shortened to one line."""
    return ", ".join(names) if len(names) <= 12 else ", ".join((*names[:5], "...", names[-1]))
