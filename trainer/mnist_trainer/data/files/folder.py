"""Find out what a folder holds: IDX files, CSV or npz files, or pictures in label folders, divided or not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mnist_trainer.data.files import csv_file, idx_files, npz_file, picture_folder
from mnist_trainer.data.files.arrays import Reading
from mnist_trainer.data.files.forms import is_junk, split_of
from mnist_trainer.errors import DataError

__all__ = ["load"]

DEEPEST = 3
"""Levels of folders that hold nothing but one folder."""
TABLES = (".csv", ".csv.gz", ".tsv", ".txt")
"""Ends of the names of tables."""


def load(folder: Path) -> Reading:
    """Load the data set in `folder`.

    Raises
    ------
    DataError
        If there is none, or a file of it cannot be read.
    """
    inner = _inner(folder)
    if files := idx_files.find(inner):
        return idx_files.load(files, inner)
    if tables := _tables(inner):
        return _from_tables(tables)
    archives = [entry for entry in _files(inner) if entry.suffix == ".npz"]
    if len(archives) == 1 and not picture_folder.label_folders(inner):
        return npz_file.load(archives[0])
    return _from_pictures(inner)


def _files(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if entry.is_file() and not is_junk(entry.name))


def _inner(folder: Path) -> Path:
    """Return the folder itself or, if it holds nothing but one folder that is no label, that folder."""
    for _ in range(DEEPEST):
        below = picture_folder.subfolders(folder)
        if len(below) != 1 or _files(folder) or picture_folder.label_folders(folder) or split_of(below[0].name):
            break
        folder = below[0]
    return folder


def _stem(path: Path) -> str:
    name = path.name.lower()
    return next((name.removesuffix(end) for end in sorted(TABLES, key=len, reverse=True) if name.endswith(end)), "")


def _tables(folder: Path) -> dict[str, Path]:
    """Return the CSV files named after splits; or the only one, as ``"train"``."""
    found = [entry for entry in _files(folder) if _stem(entry)]
    named = {split: entry for entry in found if (split := split_of(_stem(entry)))}
    if "train" in named:
        return named
    csv_files = [entry for entry in found if ".csv" in entry.name.lower()]
    only = len(csv_files) == 1 and not picture_folder.subfolders(folder)
    return {"train": csv_files[0]} if only else {}


def _from_tables(tables: dict[str, Path]) -> Reading:
    train = csv_file.load(tables["train"])
    for split in ("test", "validation"):
        if split not in tables:
            continue
        try:
            test = csv_file.load(tables[split])
        except csv_file.UnlabelledError:
            note = f"{tables[split].name} has no labels and is not read"
            return Reading(train.train, None, f"{tables['train'].name}: {train.form}", (*train.notes, note))
        names = f"{tables['train'].name} and {tables[split].name}"
        return Reading(train.train, test.train, f"{names}: {train.form}", _unique(train.notes + test.notes))
    return Reading(train.train, None, f"{tables['train'].name}: {train.form}", train.notes)


def _from_pictures(folder: Path) -> Reading:
    sides: dict[str, Path] = {}
    for entry in picture_folder.subfolders(folder):
        if split := split_of(entry.name):
            if split in sides and picture_folder.label_folders(entry):
                raise DataError(
                    f"{folder}: {sides[split].name}/ and {entry.name}/ are both the {split} split. Leave one of them."
                )
            sides.setdefault(split, entry)
    if picture_folder.label_folders(folder) or not sides:
        return _whole(folder, folder, [])
    labelled = {split: _inner_side(side) for split, side in sides.items()}
    labelled = {split: side for split, side in labelled.items() if picture_folder.label_folders(side)}
    notes = [
        f"{folder}: {side.name}/ has no label folders 0/ to 9/ and is not read"
        for split, side in sides.items()
        if split not in labelled
    ]
    notes += [
        f"{folder}: {entry.name}/ is not read, since it is not a split"
        for entry in picture_folder.subfolders(folder)
        if not split_of(entry.name)
    ]
    if not labelled:
        raise _no_labels(next(iter(sides.values())))
    held_out = next((split for split in ("test", "validation") if split in labelled), None)
    if "train" not in labelled or held_out is None:
        return _whole(labelled[held_out or "train"], folder, notes)
    if held_out == "test" and "validation" in labelled:
        notes.append(f"{folder}: {sides['validation'].name}/ is not read, since there is {sides['test'].name}/")
    train, train_notes = picture_folder.load(labelled["train"])
    test, test_notes = picture_folder.load(labelled[held_out])
    form = f"pictures in label folders of {sides['train'].name}/ and {sides[held_out].name}/"
    return Reading(train, test, form, (*notes, *train_notes, *test_notes))


def _inner_side(side: Path) -> Path:
    """Return `side`, or the only folder in it, as in ``trainingSet/trainingSet/0``."""
    below = picture_folder.subfolders(side)
    return below[0] if len(below) == 1 and not picture_folder.label_folders(side) else side


def _whole(folder: Path, above: Path, notes: Iterable[str]) -> Reading:
    if not picture_folder.label_folders(folder):
        raise _no_labels(folder)
    data, more = picture_folder.load(folder)
    words = "pictures in label folders" + (f" of {folder.relative_to(above)}/" if folder != above else "")
    return Reading(data, None, words, (*notes, *more))


def _no_labels(folder: Path) -> DataError:
    """Return the error that says what is in a folder without label folders."""
    folders = [f"{entry.name}/" for entry in picture_folder.subfolders(folder)]
    files = [entry.name for entry in _files(folder)]
    found = ", ".join([*folders[:5], *files[:5]][:6])
    held = f"It holds {len(folders):,} folders and {len(files):,} files: {found}" if found else "It is empty"
    return DataError(
        f"{folder}: The folder holds no data set that can be read. {held}. Put pictures into folders named 0/ to 9/ "
        "(or zero/ to nine/), in train/ and test/ if they are divided; or give IDX files, train.csv and "
        "test.csv, or one .npz file."
    )


def _unique(notes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(notes))
