"""Read pictures that a table lists with their labels, such as a CSV file with columns ``filename`` and ``label``."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PureWindowsPath

from mnist_runtime.errors import counted, listed
from mnist_trainer.data.files.arrays.parts import LoadedData, check_size
from mnist_trainer.data.files.bounded import MOST_IMAGES, open_unpacked
from mnist_trainer.data.files.names import INDEX_COLUMNS, LABEL_COLUMNS, PICTURE_ENDS, split_of
from mnist_trainer.data.files.pictures.in_folders import files_below
from mnist_trainer.data.files.pictures.labelled import MOST_FOREIGN, NAMED, Pictures, load_pictures
from mnist_trainer.data.files.rows import DELIMITERS, Lines, UnlabelledError, rows_of
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.errors import DataError

__all__ = ["PictureFiles", "PictureTable", "find", "load"]

LONGEST_LINE = 1 << 13
"""Largest number of characters in a line. A path has up to 4,096."""
MOST_COLUMNS = 63
"""Largest number of columns. A table with more columns contains pixels: the smallest image has 8x8 = 64."""
SAMPLE = 50
"""Number of lines that are read to find the columns."""
LEAST_NAMED = 0.5
"""Smallest fraction of those lines in which the picture column must contain a picture name."""
MOST_FILES = 2 * MOST_IMAGES
"""Largest number of files below the table's folder that are searched for its pictures."""


class PictureFiles:
    """The pictures in a folder and below it. They are listed when they are needed first, and only once.

    Parameters
    ----------
    folder : Path
        The folder of one or several tables.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def by_name(self) -> dict[str, list[Path]]:
        """File name in lower case, with and without suffix -> pictures with that name."""
        found: dict[str, list[Path]] = {}
        for file in itertools.islice(files_below(self._folder), MOST_FILES):
            if file.suffix.lower() in PICTURE_ENDS:
                for name in {file.name.lower(), file.stem.lower()}:
                    found.setdefault(name, []).append(file)
        return found


@dataclass(frozen=True)
class PictureTable:
    """A table of pictures, and its columns.

    Parameters
    ----------
    path : Path
        The file.
    delimiter : str
        Character between two columns.
    headings : tuple of str or None
        The first line, if it contains headings instead of a picture.
    width : int
        Number of columns.
    column : int
        Index of the column with the picture names.
    files : PictureFiles
        The pictures in the table's folder and below it.
    """

    path: Path
    delimiter: str
    headings: tuple[str, ...] | None
    width: int
    column: int
    files: PictureFiles


class _Finder:
    """Find the pictures that a table names: by path relative to its folder, or else by file name anywhere below it."""

    def __init__(self, path: Path, files: PictureFiles) -> None:
        self._table = path
        self._files = files
        self._split = split_of(path.name.split(".")[0])

    def picture(self, name: str) -> Path | None:
        """Return the path of the picture, or None.

        Raises
        ------
        DataError
            If several pictures have this name.
        """
        found = self.candidates(name)
        if len(found) > 1:
            names = listed([str(file.relative_to(self._table.parent)) for file in found], NAMED)
            raise DataError(
                f"{self._table}: The table lists {name!r}, and there are {len(found)} such pictures: {names}. Write "
                "their paths from the folder of the table."
            )
        return found[0] if found else None

    def candidates(self, name: str) -> list[Path]:
        """Return the pictures that `name` may mean: those whose path shares the most folders with it, and the split."""
        path = Path(PureWindowsPath(name).as_posix())
        if not path.name:
            return []
        direct = self._table.parent / path
        try:
            if direct.is_file():
                return [direct]
        except OSError:  # the text is too long for a file name
            return []
        alike = self._files.by_name.get(path.name.lower(), [])
        folders = path.parent.parts
        for count in range(1, len(folders) + 1):
            alike = [file for file in alike if file.parent.parts[-count:] == folders[-count:]] or alike
        if len(alike) > 1 and self._split:
            alike = [file for file in alike if self._split in map(split_of, file.parts)] or alike
        return alike


def find(path: Path, files: PictureFiles | None = None) -> PictureTable | None:
    """Find the picture column of the table at `path`; return None if it does not list pictures.

    Several tables of one folder can have the same `files`, so that the folder is listed once.
    """
    delimiter, rows = _sample(path)
    width = len(rows[0]) if rows else 0
    rows = [row for row in rows if len(row) == width]
    if not 0 < width <= MOST_COLUMNS:
        return None
    files = files or PictureFiles(path.parent)
    finder = _Finder(path, files)
    body = rows[1:] or rows
    for is_picture in (_has_picture_end, lambda name: bool(finder.candidates(name))):
        columns = [
            column
            for column in range(width)
            if sum(is_picture(row[column]) for row in body) >= LEAST_NAMED * len(body)
            and rows[0][column].lower() not in LABEL_COLUMNS
        ]
        if columns:
            column = max(columns, key=lambda column: len({row[column] for row in body}))
            headings = None if is_picture(rows[0][column]) else tuple(rows[0])
            return PictureTable(path, delimiter, headings, width, column, files)
    return None


def load(tables: Sequence[PictureTable], stated: StatedTask) -> LoadedData:
    """Load the pictures that one table lists, or two tables: one of training images and one of test images.

    Parameters
    ----------
    tables : sequence of PictureTable
        Results of `find`: the first one for training, the next one that has labels for the test.
    stated : StatedTask
        Known facts about the images and classes.

    Raises
    ------
    DataError
        If the first table has no labels, a picture has two labels, or more than 5 % of the pictures are missing or
        cannot be read.
    """
    splits: list[Pictures] = []
    forms: list[str] = []
    notes: list[str] = []
    for table in tables:
        if len(splits) == 2:
            notes.append(f"{table.path} is not read, since there is {splits[1].place}")
            continue
        try:
            pictures, form, missing = _read(table)
        except UnlabelledError:
            if not splits:
                raise
            notes.append(f"{table.path.name} has no labels and is not read")
            continue
        splits.append(pictures)
        forms.append(form)
        notes += missing
    names = " and ".join(split.place.name for split in splits)
    return load_pictures(splits, f"pictures listed in {names}: {forms[0]}", stated, notes)


def _has_picture_end(name: str) -> bool:
    return name.lower().endswith(PICTURE_ENDS)


def _rows(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line that is not blank, and its fields."""
    with open_unpacked(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace") as text:
        lines = Lines(path, text, LONGEST_LINE, "a picture and its label")
        try:
            for row in rows_of(lines, delimiter):
                yield lines.number, [field.strip() for field in row]
        except csv.Error as error:
            raise DataError(f"{path}: Line {lines.number} is not CSV ({error}). Save it again.") from error


def _sample(path: Path) -> tuple[str, list[list[str]]]:
    """Return the delimiter and the first rows; no rows if the lines are too long for a table of pictures."""
    for delimiter in DELIMITERS:
        try:
            rows = [row for _, row in itertools.islice(_rows(path, delimiter), SAMPLE)]
        except DataError:  # reported where the file is read as a table of pixels
            return delimiter, []
        if rows and len(rows[0]) > 1 and len({len(row) for row in rows}) == 1:
            return delimiter, rows
    return DELIMITERS[0], [row for _, row in itertools.islice(_rows(path, DELIMITERS[0]), SAMPLE)]


def _read(table: PictureTable) -> tuple[Pictures, str, list[str]]:
    """Return the pictures of `table` with their labels, a description of its columns, and notes on missing pictures."""
    path, finder = table.path, _Finder(table.path, table.files)
    rows: list[tuple[int, list[str]]] = []
    for number, row in itertools.islice(_rows(path, table.delimiter), int(table.headings is not None), None):
        if len(row) != table.width:
            raise DataError(
                f"{path}: Line {number} has {counted(len(row), 'column')} instead of {table.width}. If the file was "
                "cut off, copy or download it again."
            )
        rows.append((number, row))
        check_size(len(rows), 0, str(path))
    if not rows:
        raise DataError(f"{path}: The file has a header, but no rows. Copy or save it again.")
    labels, words = _labels(table, rows)
    found: dict[Path, str] = {}
    missing: list[str] = []
    for (number, row), label in zip(rows, labels, strict=True):
        picture = finder.picture(row[table.column])
        if picture is None:
            missing.append(row[table.column])
        elif found.setdefault(picture, label) != label:
            raise DataError(
                f"{path}: Line {number} gives {row[table.column]!r} the label {label!r}, but an earlier line "
                f"{found[picture]!r}. Give each picture one label, in one line."
            )
    names = listed(missing, NAMED)
    if len(missing) > MOST_FOREIGN * len(rows):
        raise DataError(
            f"{path}: The table lists {counted(len(rows), 'picture')}, and {len(missing):,} are not in its folder or "
            f"below: {names}. Put the table into the folder of its pictures, or correct the names."
        )
    notes = [f"{path}: left out {counted(len(missing), 'picture')} that cannot be found: {names}"] if missing else []
    return Pictures(path, list(found.items())), words, notes


def _labels(table: PictureTable, rows: Sequence[tuple[int, list[str]]]) -> tuple[list[str], str]:
    """Return the label of each row, and a description of the columns."""
    names = [name.lower() for name in table.headings or ()]
    others = [column for column in range(table.width) if column != table.column]
    if names and names[0] in INDEX_COLUMNS:
        others = [column for column in others if column]
    if not others:
        raise UnlabelledError(f"{table.path}: The table lists pictures without labels. Add a column 'label'.")
    named = next((names.index(name) for name in LABEL_COLUMNS if name in names), None)
    column = others[0] if len(others) == 1 else named
    pictures = f"pictures in column {_name(table, table.column)}"
    if column is not None:
        empty = next((number for number, row in rows if not row[column]), None)
        if empty:
            raise DataError(f"{table.path}: Line {empty} has no label. Add it, or remove the line.")
        return [row[column] for _, row in rows], f"{pictures}, labels in column {_name(table, column)}"
    if table.headings and all(_is_one_hot([row[other] for other in others]) for _, row in rows):
        places = [next(other for other in others if float(row[other])) for _, row in rows]
        return [table.headings[place] for place in places], f"{pictures}, one-hot labels in {len(others)} columns"
    listing = listed([_name(table, other) for other in others], NAMED)
    raise DataError(
        f"{table.path}: The table lists {pictures}, and its labels may be in each of the columns {listing}. Give the "
        "column of labels the heading 'label'."
    )


def _name(table: PictureTable, column: int) -> str:
    return repr(table.headings[column]) if table.headings else str(column + 1)


def _is_one_hot(fields: Sequence[str]) -> bool:
    return sorted(fields) in (["0"] * (len(fields) - 1) + ["1"], ["0.0"] * (len(fields) - 1) + ["1.0"])
