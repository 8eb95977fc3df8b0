"""Load a data set from a folder: IDX, CSV or npz files, or pictures in label folders or listed in a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from mnist_runtime.artifact.task import MOST_LABELS
from mnist_runtime.errors import counted
from mnist_trainer.data.files import csv_file, idx_files, npz_file
from mnist_trainer.data.files.arrays.parts import LoadedData, read_parts
from mnist_trainer.data.files.names import split_of
from mnist_trainer.data.files.pictures import in_folders, in_table
from mnist_trainer.data.files.rows import UnlabelledError
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.errors import DataError

__all__ = ["load"]

DEEPEST = 3
"""Largest number of nested folders to enter that contain only one other folder."""
HELD_OUT = ("test", "validation")
"""Splits to test with, the preferred one first."""
TABLES = (".csv", ".csv.gz", ".tsv", ".txt")
"""Suffixes of table files."""


def load(folder: Path, stated: StatedTask) -> LoadedData:
    """Load the data set in `folder`; `stated` contains known facts about its images and classes.

    Raises
    ------
    DataError
        If the folder contains no data set, or a file cannot be read.
    """
    inner = _inner(folder, stated)
    if files := idx_files.find(inner):
        return idx_files.load(files, inner, stated)
    if tables := _tables(inner):
        return _from_tables(tables, stated)
    archives = [entry for entry in in_folders.loose_files(inner) if entry.suffix == ".npz"]
    if len(archives) == 1 and not in_folders.label_folders(inner, stated):
        return npz_file.load(archives[0], stated)
    if pictures := _picture_tables(inner, stated):
        return in_table.load(pictures, stated)
    return _from_pictures(inner, stated)


def _inner(folder: Path, stated: StatedTask) -> Path:
    """Return `folder`, or the folder in it if it contains only that one and it is not a label folder."""
    for _ in range(DEEPEST):
        below = in_folders.subfolders(folder)
        if len(below) != 1 or in_folders.loose_files(folder) or in_folders.label_folders(folder, stated):
            break
        if split_of(below[0].name):
            break
        folder = below[0]
    return folder


def _stem(path: Path) -> str:
    name = path.name.lower()
    return next((name.removesuffix(end) for end in sorted(TABLES, key=len, reverse=True) if name.endswith(end)), "")


def _tables(folder: Path) -> dict[str, Path]:
    """Return split -> CSV file, by the names of the files. A single CSV file with any name counts as ``"train"``."""
    found = [entry for entry in in_folders.loose_files(folder) if _stem(entry)]
    named = {split: entry for entry in found if (split := split_of(_stem(entry)))}
    if "train" in named:
        return named
    csv_files = [entry for entry in found if ".csv" in entry.name.lower()]
    only = len(csv_files) == 1 and not in_folders.subfolders(folder)
    return {"train": csv_files[0]} if only else {}


def _held_out(splits: Iterable[str]) -> str | None:
    """Return the first of `HELD_OUT` that is there."""
    return next((split for split in HELD_OUT if split in splits), None)


def _picture_tables(folder: Path, stated: StatedTask) -> list[in_table.PictureTable]:
    """Return the only table of pictures in `folder`, or those in its split folders; none if there are label folders.

    Those of the split folders are in the order in which `in_table.load` takes them.
    """
    sides = {
        split: _inner_side(entry, stated) for entry in in_folders.subfolders(folder) if (split := split_of(entry.name))
    }
    if any(in_folders.label_folders(entry, stated) for entry in (folder, *sides.values())):
        return []
    if table := _only_picture_table(folder):
        return [table]
    found = {split: table for split, side in sides.items() if (table := _only_picture_table(side))}
    splits = ("train", *HELD_OUT) if "train" in found else (_held_out(found),)
    return [found[split] for split in splits if split in found]


def _only_picture_table(folder: Path) -> in_table.PictureTable | None:
    files = in_table.PictureFiles(folder)
    tables = [in_table.find(entry, files) for entry in in_folders.loose_files(folder) if _stem(entry)]
    found = [table for table in tables if table]
    return found[0] if len(found) == 1 else None


def _from_tables(tables: dict[str, Path], stated: StatedTask) -> LoadedData:
    others = [tables[split] for split in HELD_OUT if split in tables]
    if table := in_table.find(tables["train"]):
        found = (in_table.find(other, table.files) for other in others)
        return in_table.load([table, *(other for other in found if other)], stated)
    train, form = csv_file.read(tables["train"], stated)
    parts, names, notes = [train], [tables["train"].name], []
    for other in others:
        if len(parts) == 2:
            notes.append(f"{other.name} is not read, since there is {names[1]}")
            continue
        try:
            parts.append(csv_file.read(other, stated)[0])
            names.append(other.name)
        except UnlabelledError:
            notes.append(f"{other.name} has no labels and is not read")
    reading = read_parts(parts, f"{' and '.join(names)}: {form}", stated)
    return replace(reading, notes=(*reading.notes, *notes))


def _from_pictures(folder: Path, stated: StatedTask) -> LoadedData:
    def has_labels(entry: Path) -> bool:
        return bool(in_folders.label_folders(entry, stated))

    split_folders: dict[str, Path] = {}
    for entry in in_folders.subfolders(folder):
        if split := split_of(entry.name):
            if split in split_folders and has_labels(entry):
                raise DataError(
                    f"{folder}: {split_folders[split].name}/ and {entry.name}/ are both the {split} split. Leave one "
                    "of them."
                )
            split_folders.setdefault(split, entry)
    if has_labels(folder) or not split_folders:
        return _whole(folder, folder, [], stated)
    labelled = {split: _inner_side(side, stated) for split, side in split_folders.items()}
    labelled = {split: side for split, side in labelled.items() if has_labels(side)}
    notes = [
        f"{folder}: {side.name}/ has no label folders 0/ to 9/ and is not read"
        for split, side in split_folders.items()
        if split not in labelled
    ]
    notes += [
        f"{folder}: {entry.name}/ is not read, since it is not a split"
        for entry in in_folders.subfolders(folder)
        if not split_of(entry.name)
    ]
    above = [folder, *(split_folders[split] for split, side in labelled.items() if side != split_folders[split])]
    notes += [note for place in above for note in in_folders.notes_on_loose_files(place)]
    if not labelled:
        raise _no_labels(next(iter(split_folders.values())), stated)
    held_out = _held_out(labelled)
    if held_out == "test" and "validation" in labelled:
        notes.append(
            f"{folder}: {split_folders['validation'].name}/ is not read, since there is {split_folders['test'].name}/"
        )
    if "train" not in labelled or held_out is None:
        return _whole(labelled[held_out or "train"], folder, notes, stated)
    form = f"pictures in label folders of {split_folders['train'].name}/ and {split_folders[held_out].name}/"
    return in_folders.load([labelled["train"], labelled[held_out]], form, stated, notes)


def _inner_side(side: Path, stated: StatedTask) -> Path:
    """Return `side`, or the only folder in it, as in ``trainingSet/trainingSet/0``."""
    below = in_folders.subfolders(side)
    return below[0] if len(below) == 1 and not in_folders.label_folders(side, stated) else side


def _whole(folder: Path, above: Path, notes: Iterable[str], stated: StatedTask) -> LoadedData:
    if not in_folders.label_folders(folder, stated):
        raise _no_labels(folder, stated)
    words = "pictures in label folders" + (f" of {folder.relative_to(above)}/" if folder != above else "")
    return in_folders.load([folder], words, stated, [*notes])


def _no_labels(folder: Path, stated: StatedTask) -> DataError:
    """Return the error for a folder without label folders; it says what the folder contains."""
    folders = [f"{entry.name}/" for entry in in_folders.subfolders(folder)]
    files = [entry.name for entry in in_folders.loose_files(folder)]
    if stated.labels and folders:
        names, there = (
            ", ".join(words[:5]) + (", ..." if len(words) > 5 else "") for words in (stated.labels, folders)
        )
        return DataError(
            f"{folder}: The folders are {there}, but the labels are {names}. Name the folders after the labels, or "
            "correct --labels."
        )
    found = ", ".join([*folders[:5], *files[:5]][:6])
    content = (
        f"It holds {counted(len(folders), 'folder')} and {counted(len(files), 'file')}: {found}"
        if found
        else "It is empty"
    )
    return DataError(
        f"{folder}: The folder holds no data set that can be read. {content}. Put pictures into a folder for each "
        f"class, named 0/ to 9/ (or zero/ to nine/) or after 2 to {MOST_LABELS:,} other classes, in train/ and test/ "
        "if they are divided; or add a table with a column of their names and one of labels; or give IDX files, "
        "train.csv and test.csv, or one .npz file."
    )
