"""Read the rows of a table in a text file, such as CSV, with any usual delimiter and with size limits."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from mnist_trainer.data.files.bounded import MOST_BYTES
from mnist_trainer.errors import DataError

__all__ = ["DELIMITERS", "Lines", "UnlabelledError", "delimiter_of", "fields_of", "is_number", "is_table", "rows_of"]

DELIMITERS = (",", ";", "\t", "|", " ")


class UnlabelledError(DataError):
    """A table contains images without labels."""


class Lines:
    """Iterate over the non-blank lines of a text, and count them. A new iteration continues the previous one.

    Parameters
    ----------
    path : Path
        The file, for messages.
    text : TextIO
        The open file.
    longest : int
        Number of characters from which a line is too long.
    content : str
        What a line contains, for messages.
    """

    def __init__(self, path: Path, text: TextIO, longest: int, content: str) -> None:
        self.path = path
        self.number = 0
        self._content = content
        self._longest = longest
        self._text = text
        self._size = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(self._longest):
            self.number += 1
            self._size += len(line)
            if len(line) == self._longest:
                raise DataError(f"{self.path}: Line {self.number} is too long for {self._content}.")
            if self._size > MOST_BYTES:
                raise DataError(f"{self.path}: The file holds more than {MOST_BYTES >> 30} GiB. Give a part of it.")
            if line.strip():
                yield line


def is_table(start: bytes) -> bool:
    """Return whether `start`, the first bytes of a file, is the beginning of a text with columns."""
    if b"\0" in start:
        return False
    line = next((line for line in start.decode("utf-8-sig", "replace").splitlines() if line.strip()), "")
    return "\ufffd" not in line and len(fields_of(line, delimiter_of(line))) > 1


def delimiter_of(line: str) -> str:
    """Return the delimiter that occurs most often in `line`."""
    return max(DELIMITERS, key=line.count)


def rows_of(lines: Iterable[str], delimiter: str) -> Iterable[list[str]]:
    """Return the fields of each line.

    Raises
    ------
    csv.Error
        If quotes do not match. It is raised during the iteration.
    """
    if delimiter == " ":
        return map(str.split, lines)
    return csv.reader(lines, delimiter=delimiter)


def fields_of(line: str, delimiter: str) -> list[str]:
    """Return the fields of one line; an empty list if it is not CSV."""
    try:
        return next(iter(rows_of([line], delimiter)), [])
    except csv.Error:
        return []


def is_number(field: str) -> bool:
    """Return whether `float` can parse `field`."""
    try:
        float(field)
    except ValueError:
        return False
    return True
