"""Read a CSV file with a label and the pixels in each row, such as Kaggle's ``train.csv``; gzip is supported."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.task import DIGITS, MOST_LABELS
from mnist_runtime.errors import counted
from mnist_trainer.data.files.arrays.parts import LoadedData, Part, check_size, read_parts
from mnist_trainer.data.files.bounded import open_unpacked
from mnist_trainer.data.files.names import INDEX_COLUMNS, LABEL_COLUMNS
from mnist_trainer.data.files.rows import Lines, UnlabelledError, delimiter_of, fields_of, is_number, rows_of
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.errors import DataError

__all__ = ["load", "read"]

BLOCK_VALUES = 1 << 22
"""Number of values that are converted at a time."""
MOST_KNOWN = 1 << 16
"""Largest number of different texts for which the parsed number is cached."""
LONGEST_FIELD = 1 << 8
"""Limit for the length of a line, in characters per field. A float has up to 25."""


class Columns(NamedTuple):
    """Layout of the table: number of columns and pixels, label column (None: find it by content), row number column."""

    number: int
    pixels: int
    label: int | None
    row_number: int | None
    has_header: bool


def load(path: Path, stated: StatedTask | None = None) -> LoadedData:
    """Load the CSV file at `path` as one set that is not divided into training and test images.

    Raises
    ------
    UnlabelledError
        If it contains images without labels.
    DataError
        If it cannot be read, or is not a table of pixels.
    """
    stated = stated or StatedTask()
    part, form = read(path, stated)
    return read_parts([part], form, stated)


def read(path: Path, stated: StatedTask) -> tuple[Part, str]:
    """Read the images and labels in the CSV file at `path`, and describe its format; see `load`."""
    with open_unpacked(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace") as text:
        lines = Lines(path, text, LONGEST_FIELD * (2 + max(_pixel_numbers(stated))), "a label and pixels")
        first = next(iter(lines), "")
        if not first:
            raise DataError(f"{path}: The file is empty. Copy or save it again.")
        delimiter = delimiter_of(first)
        columns = _columns(path, fields_of(first, delimiter), stated)
        rest = iter(lines) if columns.has_header else itertools.chain([first], lines)
        try:
            values, names = _parsed(lines, rows_of(rest, delimiter), columns)
        except csv.Error as error:
            raise DataError(f"{path}: Line {lines.number} is not CSV ({error}). Save it again.") from error
    label, pixels = columns.label, columns.pixels
    if label is None:
        label = _find_label(path, values, pixels, 9 if stated.is_empty else MOST_LABELS - 1)
        labels = values[:, label]
        values = values[:, 1:] if label == 0 else values[:, :-1]
    else:
        labels = _labels(names)
    is_first = label == (0 if columns.row_number is None else 1)
    place = f"label and {pixels:,} pixels" if is_first else f"{pixels:,} pixels and label"
    height, width = stated.size or DIGITS.image_shape
    images = values.reshape(len(values), height, width, -1)
    form = f"CSV {'with' if columns.has_header else 'without'} header: {place}"
    return Part(images, labels, str(path)), form


def _labels(names: list[str]) -> npt.NDArray[Any]:
    """Return labels as whole numbers if possible, otherwise as floats or as text."""
    texts = np.array([name.strip() for name in names])
    try:
        numbers = texts.astype(np.float64)
    except ValueError:
        return texts
    is_whole = np.isfinite(numbers).all() and (numbers == np.rint(numbers)).all()
    return numbers.astype(np.int64) if is_whole and np.abs(numbers).max() < 1e9 else numbers


class _Numbers(dict[str, float]):
    """Cache: text -> number. Pixels have few different values, and a dictionary is faster than parsing them."""

    def __missing__(self, field: str) -> float:
        number = float(field)
        if len(self) < MOST_KNOWN:
            self[field] = number
        return number


def _columns(path: Path, fields: Sequence[str], stated: StatedTask) -> Columns:
    """Find out from the first line which columns the table has."""
    names = [field.strip().lower() for field in fields]
    count = len(fields)
    words = count - sum(map(is_number, fields))
    known = _pixel_numbers(stated)
    # A header has many words. A single word among numbers is a wrong value, not a header. Headings are all different,
    # but pixels are not: an empty field before them is a missing value, not the heading of row numbers.
    is_indexed = names[0] in INDEX_COLUMNS and (names[0] != "" or len(set(names)) == count)
    has_header = words > count / 2 or (words > 0 and (is_indexed or not set(LABEL_COLUMNS).isdisjoint(names)))
    label = next((names.index(name) for name in LABEL_COLUMNS if name in names), None) if has_header else None
    index = 0 if has_header and names[0] in INDEX_COLUMNS else None
    for pixels in known:
        others = count - pixels - (index is not None)
        if label is not None and others == 1:
            return Columns(count, pixels, label, index, has_header)
        if label is None and others == 0:
            raise _unlabelled(path, pixels)
        if label is None and others == 1 and index is None:
            return Columns(count, pixels, None, None, has_header)
        if label is None and others == 1:
            raise DataError(
                f"{path}: No column has the heading of labels. Give the column of labels the heading 'label'."
            )
    raise _other_table(path, count, known[0], stated)


def _pixel_numbers(stated: StatedTask) -> list[int]:
    """Return the possible numbers of pixel values per image."""
    height, width = stated.size or DIGITS.image_shape
    channels = (stated.channels,) if stated.channels else (1, 3) if stated.size else (1,)
    return [height * width * number for number in channels]


def _unlabelled(path: Path, pixels: int) -> UnlabelledError:
    return UnlabelledError(
        f"{path}: The file holds images without labels, as Kaggle's test.csv does. Give a file with a label and "
        f"{pixels} pixels a row, such as Kaggle's train.csv."
    )


def _other_table(path: Path, count: int, pixels: int, stated: StatedTask) -> DataError:
    hint = " For images of another size state it: --image-size HEIGHTxWIDTH." if stated.size is None else ""
    if count < 10:
        hint = " If it lists pictures, put it into their folder."
    size = "x".join(map(str, stated.size or DIGITS.image_shape))
    return DataError(
        f"{path}: The rows have {counted(count, 'column')}, but {pixels + 1} are needed: a label and {pixels} pixels "
        f"({size}).{hint}"
    )


def _parsed(lines: Lines, rows: Iterable[list[str]], columns: Columns) -> tuple[npt.NDArray[Any], list[str]]:
    """Return the values of all rows, uint8 or, if they do not fit, float32; and labels if their column is known."""
    blocks: list[npt.NDArray[Any]] = []
    names: list[str] = []
    numbers = _Numbers()
    others = sorted({column for column in (columns.label, columns.row_number) if column is not None}, reverse=True)
    width = columns.number - len(others)
    rows_at_once = max(1, BLOCK_VALUES // width)
    block = np.empty((rows_at_once, width), np.float32)
    filled = 0
    for row in rows:
        if len(row) != columns.number:
            raise DataError(
                f"{lines.path}: Line {lines.number} has {counted(len(row), 'column')} instead of {columns.number}. If "
                "the file was cut off, copy or download it again."
            )
        fields = list(row)
        for column in others:
            field = fields.pop(column)
            if column == columns.label:
                names.append(field)
        try:
            block[filled] = np.fromiter(map(numbers.__getitem__, fields), np.float32, width)
        except ValueError as error:
            wrong = (number for number, field in enumerate(row) if not is_number(field) and number not in others)
            column = next(wrong)
            is_label = columns.label is None and column in (0, columns.number - 1)
            hint = " If it is a label, give its column the heading 'label'."
            if not row[column].strip():
                hint = " If it is a label, add it, or remove the line."
            raise DataError(
                f"{lines.path}: Line {lines.number}, column {column + 1} is {row[column].strip()[:40]!r}, which is no "
                f"number.{hint if is_label else ''}"
            ) from error
        filled += 1
        if filled == rows_at_once:
            blocks.append(_compact(block))
            filled = 0
            check_size(rows_at_once * len(blocks), 0, str(lines.path))
    if filled:
        blocks.append(_compact(block[:filled]))
    if not blocks:
        raise DataError(f"{lines.path}: The file has a header, but no rows. Copy or save it again.")
    return np.concatenate(blocks), names


def _compact(block: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    fits = bool((block >= 0).all() and (block <= 255).all() and (block == np.rint(block)).all())
    return block.astype(np.uint8) if fits else block.copy()


def _find_label(path: Path, values: npt.NDArray[Any], pixels: int, largest: int) -> int:
    """Return the index of the label column, first or last: the one with class numbers that are not all equal."""

    def has_labels(column: npt.NDArray[Any]) -> bool:
        return bool(
            (column == np.rint(column)).all() and column.min() >= 0 and column.max() <= largest and np.ptp(column)
        )

    found = [number for number in (0, pixels) if has_labels(values[:, number])]
    if len(found) != 1:
        which = "both the first and the last column could be labels" if found else "no column has the labels"
        raise DataError(f"{path}: Of the {pixels + 1} columns, {which}. Give the column of labels the heading 'label'.")
    return found[0]
