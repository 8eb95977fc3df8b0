"""Read folders of picture files, sorted into one folder for each label."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnist_runtime import PictureError
from mnist_runtime.artifact.task import DIGITS, SIDES, Task
from mnist_runtime.errors import counted, listed, raise_machine_failure
from mnist_runtime.preprocess.decode import read_picture
from mnist_trainer.data.files.arrays.class_names import number_of
from mnist_trainer.data.files.arrays.labels import Classes, classes_of, read_labels
from mnist_trainer.data.files.arrays.parts import Labelled, LoadedData, check_size, task_of
from mnist_trainer.data.files.arrays.prepared import prepared
from mnist_trainer.data.files.forms import LABELS, MOST_FOREIGN, is_junk, split_of
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.errors import DataError

__all__ = ["label_folders", "load", "loose_files", "notes_on_loose_files", "subfolders"]

NAMED = 3
"""Number of files left out that a message lists."""
LEAST_FOLDERS = 2
"""Fewest folders whose names are taken for classes if they are no digits."""

Files = list[tuple[Path, str]]
"""Pictures with the names of their labels."""


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in `folder` that no file manager left there, sorted by name."""
    try:
        return sorted(entry for entry in folder.iterdir() if entry.is_dir() and not is_junk(entry.name))
    except OSError as error:
        raise_machine_failure(error)
        raise DataError(f"{folder}: The folder cannot be read ({error.strerror}). Check its permissions.") from error


def label_folders(folder: Path, stated: StatedTask) -> dict[Path, str]:
    """Return the folders in `folder` that are named after a label, and their labels.

    These are the stated labels, or ``0`` to ``9`` or ``zero`` to ``nine``. Other names are labels if the data is stated
    to be other than digits, if all are numbers, or if no folder is named after a digit or a split.

    Raises
    ------
    DataError
        If each folder has a name of another kind and holds the same folders named after digits, as with a folder for
        each writer.
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
    """Check that the label folders are not one level further down, the same in each of `entries`."""
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
    return [_left_out(folder, files, "beside the folders")] if files else []


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files in `folder` and its subfolders, sorted, without those of file managers."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_junk(name))
        yield from (Path(parent, name) for name in sorted(files) if not is_junk(name))


def load(folders: Sequence[Path], form: str, stated: StatedTask, notes: Sequence[str] = ()) -> LoadedData:
    """Load the pictures in the label folders of each of `folders`, each prepared as on a device.

    Parameters
    ----------
    folders : sequence of Path
        The folder of each split: one, or those of the training and the test images.
    form : str
        What the data is, for one line on stderr.
    stated : StatedTask
        What is stated about images and classes.
    notes : sequence of str
        Remarks to which those about other folders and pictures that cannot be read are added.

    Raises
    ------
    DataError
        If there are no pictures, too many, or more than one in twenty cannot be read; or if they have different sizes
        and no size is stated.
    """
    by_folder = [_listed(folder, stated) for folder in folders]
    names = [np.array([name for _, name in files]) for files in by_folder]
    raw = [read_labels(labels, str(folder)) for labels, folder in zip(names, folders, strict=True)]
    present = {str(name).lower() for labels in names for name in labels}
    may_be_digits = stated.may_be_digits and present <= set(LABELS)
    classes = classes_of(raw, stated.labels, may_be_digits=may_be_digits, count=stated.classes)
    task = _task(folders[0], by_folder, classes, stated)
    check_size(max(map(len, by_folder)), sum(map(len, by_folder)) * task.pixels, str(folders[0]))
    images: list[npt.NDArray[np.uint8]] = []
    labels = []
    notes = list(notes)
    for folder, files, indices in zip(folders, by_folder, classes.indices, strict=True):
        pixels, is_read, unreadable = _prepared(folder, files, task)
        images.append(pixels)
        labels.append(indices[is_read])
        notes += _notes(folder, unreadable, stated)
    if task.channels == 3 and stated.channels is None and all((part == part[..., :1]).all() for part in images):
        images = [np.ascontiguousarray(part[..., 0]) for part in images]
        task = task_of(images[0].shape[1:], task.labels, stated, str(folders[0]))
    splits = [Labelled(*pair) for pair in zip(images, labels, strict=True)]
    return LoadedData(splits[0], splits[1] if len(splits) == 2 else None, task, form, tuple(notes))


def _listed(folder: Path, stated: StatedTask) -> Files:
    """Return all files in the label folders of `folder`."""
    found = label_folders(folder, stated).items()
    numbered = sorted(found, key=lambda pair: (number_of(pair[1]) or 0, pair[0]))
    files = [(file, name) for entry, name in numbered for file in files_below(entry)]
    if not files:
        raise DataError(f"{folder}: There are no pictures. Put them into folders named after the labels, such as 0/.")
    return files


def _task(folder: Path, by_folder: list[Files], classes: Classes, stated: StatedTask) -> Task:
    """Return the task; the size is that of the pictures if it is neither stated nor that of digits."""
    handwriting = task_of(DIGITS.image_shape, classes.names, stated, str(folder))
    if handwriting.preparation == "mnist":
        return handwriting
    size = stated.size or _common_size(folder, [file for files in by_folder for file, _ in files])
    return task_of((*size, 3), classes.names, stated, str(folder))


def _common_size(folder: Path, files: Sequence[Path]) -> tuple[int, int]:
    """Return height and width of all pictures.

    Raises
    ------
    DataError
        If they are different, or too small or large.
    """
    first: tuple[int, ...] = ()
    for file in files:
        try:
            size = read_picture(file).shape[:2]
        except PictureError:
            continue  # reported when the pictures are prepared
        if (first and size != first) or not all(side in SIDES for side in size):
            found = f"{first[0]}x{first[1]} and {size[0]}x{size[1]}" if first else f"{size[0]}x{size[1]}"
            raise DataError(
                f"{folder}: The pictures have sizes such as {found} pixels (height x width). State the size of the "
                f"images, with sides of {SIDES[0]} to {SIDES[-1]} pixels: --image-size HEIGHTxWIDTH. For "
                "handwriting that is to be normalized as in MNIST: --prepare mnist."
            )
        first = size
    return (first[0], first[1]) if first else (DIGITS.height, DIGITS.width)


def _prepared(
    folder: Path, files: Files, task: Task
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_], list[Path]]:
    """Return the images, which of `files` could be read, and the others."""
    images = []
    is_read = np.ones(len(files), np.bool_)
    unreadable: list[tuple[Path, str]] = []
    for index, (file, _) in enumerate(files):
        try:
            images.append(prepared(read_picture(file), task))
        except PictureError as error:
            unreadable.append((file, str(error).removeprefix(f"{file}: ")))
            is_read[index] = False
    if len(unreadable) > MOST_FOREIGN * len(files):
        file, problem = unreadable[0]
        raise DataError(
            f"{folder}: {len(unreadable):,} of {len(files):,} files cannot be read as pictures, "
            f"more than {MOST_FOREIGN:.0%}. The first: {file.relative_to(folder)}: {problem} Replace or remove them."
        )
    return np.stack(images), is_read, [file for file, _ in unreadable]


def _notes(folder: Path, unreadable: list[Path], stated: StatedTask) -> list[str]:
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
    if unreadable:
        notes.append(_left_out(folder, unreadable, "that cannot be read as pictures"))
    return [*notes, *notes_on_loose_files(folder)]


def _left_out(folder: Path, files: Sequence[Path], which: str) -> str:
    names = listed([str(file.relative_to(folder)) for file in files], NAMED)
    return f"{folder}: left out {counted(len(files), 'file')} {which}: {names}"
