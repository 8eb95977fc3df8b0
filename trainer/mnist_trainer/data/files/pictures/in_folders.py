"""Read folders of picture files, sorted into one folder for each label."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mnist_runtime.artifact.task import DIGITS
from mnist_runtime.errors import counted, raise_machine_failure
from mnist_trainer.data.files.arrays.class_names import number_of
from mnist_trainer.data.files.arrays.parts import LoadedData
from mnist_trainer.data.files.names import LABELS, is_junk, split_of
from mnist_trainer.data.files.pictures.labelled import NAMED, Pictures, left_out, load_pictures
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.errors import DataError

__all__ = ["files_below", "label_folders", "load", "loose_files", "notes_on_loose_files", "subfolders"]

LEAST_FOLDERS = 2
"""Smallest number of folders whose names count as class names, if they are not digits."""


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in `folder`, sorted by name, without hidden ones and those of file managers."""
    try:
        return sorted(entry for entry in folder.iterdir() if entry.is_dir() and not is_junk(entry.name))
    except OSError as error:
        raise_machine_failure(error)
        raise DataError(f"{folder}: The folder cannot be read ({error.strerror}). Check its permissions.") from error


def label_folders(folder: Path, stated: StatedTask) -> dict[Path, str]:
    """Return the folders in `folder` that are named after a label, and their labels.

    Labels are those in `stated`, or else ``0`` to ``9`` or ``zero`` to ``nine``. Other names count as labels in three
    cases: `stated` says that the images are not digits, all names are numbers, or no folder is named after a digit or
    a split.

    Raises
    ------
    DataError
        If the label folders are one level deeper, for example in a folder for each writer.
    """
    entries = {entry: entry.name for entry in subfolders(folder)}
    are_numbers = all(name.isascii() and name.isdigit() for name in entries.values())
    if stated.labels and stated.labels != DIGITS.labels:
        lower = {label.lower() for label in stated.labels}
        named = {entry: name for entry, name in entries.items() if name.lower() in lower}
        return named if named or not are_numbers else entries
    digits = {entry: name for entry, name in entries.items() if name.lower() in LABELS}
    if digits and stated.may_be_digits and not are_numbers:
        return digits
    others = {entry: name for entry, name in entries.items() if not split_of(name) and any(files_below(entry))}
    is_divided = any(map(split_of, entries.values()))
    if not digits and (is_divided or len(others) < LEAST_FOLDERS):
        return {}
    if not digits and not are_numbers:
        _check_level(folder, list(others))
    return {entry: name for entry, name in entries.items() if entry in digits or entry in others}


def _check_level(folder: Path, entries: Sequence[Path]) -> None:
    """Check that the label folders are not one level deeper, the same ones in each of `entries`."""
    below = [{inner.name for inner in subfolders(entry)} for entry in entries]
    labels = sorted(below[0])
    are_labels = len(labels) >= LEAST_FOLDERS and {name.lower() for name in labels} <= set(LABELS)
    if not are_labels or any(names != below[0] for names in below) or any(map(loose_files, entries)):
        return
    names = ", ".join(entry.name for entry in entries[:NAMED]) + (" and others" if len(entries) > NAMED else "")
    raise DataError(
        f"{folder}: {names} hold the same folders {', '.join(labels)}, which are labels. Remove one level: move the "
        f"pictures of all of them into one folder for each label, such as {folder / labels[0]}. If {names} are the "
        "classes, name all of them: --labels A,B,..."
    )


def loose_files(folder: Path) -> list[Path]:
    """Return the files in `folder` itself, sorted by name, without those of file managers."""
    return sorted(entry for entry in folder.iterdir() if entry.is_file() and not is_junk(entry.name))


def notes_on_loose_files(folder: Path) -> list[str]:
    """Return a note on the files in `folder` itself, which have no label; no note if there are none."""
    files = loose_files(folder)
    return [left_out(folder, files, "beside the folders")] if files else []


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files in `folder` and its subfolders, sorted, without those of file managers."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_junk(name))
        yield from (Path(parent, name) for name in sorted(files) if not is_junk(name))


def load(folders: Sequence[Path], form: str, stated: StatedTask, notes: Sequence[str] = ()) -> LoadedData:
    """Load the pictures in the label folders of each of `folders`, and prepare them as on a device.

    Parameters
    ----------
    folders : sequence of Path
        One folder, or a folder of training images and one of test images. Each contains label folders.
    form : str
        Description of the data, for one line on stderr.
    stated : StatedTask
        Known facts about the images and classes.
    notes : sequence of str
        Earlier notes. Notes on ignored folders and unreadable pictures are added.

    Raises
    ------
    DataError
        If there are no pictures or too many, more than 5 % of them cannot be read, or they have different sizes and
        `stated` has no size.
    """
    notes = [*notes, *(note for folder in folders for note in _notes(folder, stated))]
    return load_pictures([Pictures(folder, _listed(folder, stated)) for folder in folders], form, stated, notes)


def _listed(folder: Path, stated: StatedTask) -> list[tuple[Path, str]]:
    """Return all files in the label folders of `folder`, with the names of their labels."""
    found = label_folders(folder, stated).items()
    numbered = sorted(found, key=lambda pair: (number_of(pair[1]) or 0, pair[0]))
    files = [(file, name) for entry, name in numbered for file in files_below(entry)]
    if not files:
        raise DataError(f"{folder}: There are no pictures. Put them into folders named after the labels, such as 0/.")
    return files


def _notes(folder: Path, stated: StatedTask) -> list[str]:
    notes = []
    known = label_folders(folder, stated)
    if others := [entry for entry in subfolders(folder) if entry not in known]:
        counts = ", ".join(
            f"{entry.name}/ ({counted(sum(1 for _ in files_below(entry)), 'file')})" for entry in others[:8]
        )
        more = f" and {len(others) - 8} more" if len(others) > 8 else ""
        labels = "one of the stated labels" if stated.labels else "labels 0 to 9"
        hint = "" if stated.labels else ". If they are classes too, name all: --labels 0,1,..."
        notes.append(f"{folder}: left out, since their names are not {labels}: {counts}{more}{hint}")
    return [*notes, *notes_on_loose_files(folder)]
