"""Read a CSV file with a label and 784 pixels a row, such as Kaggle's ``train.csv``, packed with gzip or not."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np
import numpy.typing as npt

from mnist_trainer.data.files.arrays import Reading, check_size, read_arrays
from mnist_trainer.data.files.bounded import open_unpacked
from mnist_trainer.data.files.forms import INDEX_COLUMNS, LABEL_COLUMNS, MOST_BYTES
from mnist_trainer.errors import DataError

__all__ = ["UnlabelledError", "is_table", "load"]

PIXELS = 784
DELIMITERS = (",", ";", "\t", "|", " ")
BLOCK = 4096
"""Rows that are converted at once."""
MOST_KNOWN = 1 << 16
"""Different numbers that are kept as text."""
LONGEST_LINE = 1 << 18
"""Characters; 785 floats of 25 characters are a twelfth of it."""


class UnlabelledError(DataError):
    """A table holds images without labels."""


class Columns(NamedTuple):
    """How many columns there are, which is the label (None: found by content), and which numbers the rows."""

    number: int
    label: int | None
    row_number: int | None
    has_header: bool


def is_table(start: bytes) -> bool:
    """Return whether `start` is the beginning of a text with columns."""
    if b"\0" in start:
        return False
    line = next((line for line in start.decode("utf-8-sig", "replace").splitlines() if line.strip()), "")
    return "\ufffd" not in line and len(_fields(line, _delimiter(line))) > 1


def load(path: Path) -> Reading:
    """Load the CSV file at `path`. The set is not divided.

    Raises
    ------
    UnlabelledError
        If it holds images without labels.
    DataError
        If it cannot be read or is another table.
    """
    with open_unpacked(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace") as text:
        lines = _Lines(path, text)
        first = next(iter(lines), "")
        if not first:
            raise DataError(f"{path}: The file is empty. Copy or save it again.")
        delimiter = _delimiter(first)
        columns = _columns(path, _fields(first, delimiter))
        rest = iter(lines) if columns.has_header else itertools.chain([first], lines)
        try:
            values = _parsed(lines, _rows(rest, delimiter), columns)
        except csv.Error as error:
            raise DataError(f"{path}: Line {lines.number} is not CSV ({error}). Save it again.") from error
    label = columns.label
    if label is None:
        label = _find_label(path, values)
    elif columns.row_number is not None and columns.row_number < label:
        label -= 1
    labels = values[:, label]
    images = values[:, 1:] if label == 0 else values[:, :-1] if label == PIXELS else np.delete(values, label, axis=1)
    data, words, notes = read_arrays(images.reshape(-1, 28, 28), labels, str(path))
    words = [word for word in words if word != "labels as floats"]
    place = "label and 784 pixels" if label == 0 else "784 pixels and label"
    header = "with header" if columns.has_header else "without header"
    return Reading(data, None, "; ".join([f"CSV {header}: {place}", *words]), tuple(notes))


class _Lines:
    """The lines of a text that are not blank, counted, up to the bounds. Iteration goes on where it was left."""

    def __init__(self, path: Path, text: TextIO) -> None:
        self.path = path
        self.number = 0
        self._text = text
        self._size = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(LONGEST_LINE):
            self.number += 1
            self._size += len(line)
            if len(line) == LONGEST_LINE:
                raise DataError(f"{self.path}: Line {self.number} is too long for a label and 784 pixels.")
            if self._size > MOST_BYTES:
                raise DataError(f"{self.path}: The file holds more than {MOST_BYTES >> 30} GiB. Give a part of it.")
            if line.strip():
                yield line


class _Numbers(dict[str, float]):
    """Text of a number -> the number. Most fields are among few, and a dictionary is faster than parsing them."""

    def __missing__(self, field: str) -> float:
        number = float(field)
        if len(self) < MOST_KNOWN:
            self[field] = number
        return number


def _delimiter(line: str) -> str:
    return max(DELIMITERS, key=line.count)


def _rows(lines: Iterable[str], delimiter: str) -> Iterable[list[str]]:
    if delimiter == " ":
        return map(str.split, lines)
    return csv.reader(lines, delimiter=delimiter)


def _fields(line: str, delimiter: str) -> list[str]:
    try:
        return next(iter(_rows([line], delimiter)), [])
    except csv.Error:
        return []


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _columns(path: Path, fields: Sequence[str]) -> Columns:
    """Return what the columns are, by the first line."""
    names = [field.strip().lower() for field in fields]
    count = len(fields)
    words = count - sum(map(_is_number, fields))
    # A single unknown word among numbers is a wrong value.
    has_header = words > count / 2 or (
        words > 0 and (names[0] in INDEX_COLUMNS or not set(LABEL_COLUMNS).isdisjoint(names))
    )
    if not has_header:
        if count == PIXELS:
            raise _unlabelled(path)
        if count != PIXELS + 1:
            raise _other_table(path, count)
        return Columns(count, None, None, False)
    label = next((names.index(name) for name in LABEL_COLUMNS if name in names), None)
    index = 0 if names[0] in INDEX_COLUMNS else None
    pixels = count - (label is not None) - (index is not None)
    if label is None and pixels == PIXELS:
        raise _unlabelled(path)
    if label is None and pixels == PIXELS + 1 and index is None:
        return Columns(count, None, None, True)
    if label is None or pixels != PIXELS:
        raise _other_table(path, count)
    return Columns(count, label, index, True)


def _unlabelled(path: Path) -> UnlabelledError:
    return UnlabelledError(
        f"{path}: The file holds images without labels, as Kaggle's test.csv does. Give a file with a label and 784 "
        "pixels a row, such as Kaggle's train.csv."
    )


def _other_table(path: Path, count: int) -> DataError:
    hint = " If it lists picture files, sort these into folders named 0/ to 9/." if count < 10 else ""
    return DataError(
        f"{path}: The rows have {count} columns, but 785 are needed: a label and 784 pixels (28x28).{hint}"
    )


def _parsed(lines: _Lines, rows: Iterable[list[str]], columns: Columns) -> npt.NDArray[Any]:
    """Return the table without its row numbers, as uint8 or, where the numbers do not fit, as float32."""
    blocks: list[npt.NDArray[Any]] = []
    numbers = _Numbers()
    block = np.empty((BLOCK, columns.number), np.float32)
    filled = 0
    for row in rows:
        if len(row) != columns.number:
            raise DataError(
                f"{lines.path}: Line {lines.number} has {len(row)} columns instead of {columns.number}. If the file "
                "was cut off, copy or download it again."
            )
        try:
            block[filled] = np.fromiter(map(numbers.__getitem__, row), np.float32, columns.number)
        except ValueError as error:
            column = next(number for number, field in enumerate(row) if not _is_number(field))
            raise DataError(
                f"{lines.path}: Line {lines.number}, column {column + 1} is {row[column].strip()[:40]!r}, which is no "
                "number."
            ) from error
        filled += 1
        if filled == BLOCK:
            blocks.append(_compact(block, columns))
            filled = 0
            check_size(BLOCK * len(blocks), 0, str(lines.path))
    if filled:
        blocks.append(_compact(block[:filled], columns))
    if not blocks:
        raise DataError(f"{lines.path}: The file has a header, but no rows. Copy or save it again.")
    return np.concatenate(blocks)


def _compact(block: npt.NDArray[np.float32], columns: Columns) -> npt.NDArray[Any]:
    values = block.copy() if columns.row_number is None else np.delete(block, columns.row_number, axis=1)
    fits = bool((values >= 0).all() and (values <= 255).all() and (values == np.rint(values)).all())
    return values.astype(np.uint8) if fits else values


def _find_label(path: Path, values: npt.NDArray[Any]) -> int:
    """Return which of the first and the last column has the labels: digits that are not all the same."""

    def has_digits(column: npt.NDArray[Any]) -> bool:
        return bool((column == np.rint(column)).all() and column.min() >= 0 and column.max() <= 9 and np.ptp(column))

    found = [number for number in (0, PIXELS) if has_digits(values[:, number])]
    if len(found) != 1:
        which = "both the first and the last column could be labels" if found else "no column has the labels"
        raise DataError(f"{path}: Of the 785 columns, {which}. Give the column of labels the heading 'label'.")
    return found[0]
