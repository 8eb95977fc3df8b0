"""Read a folder of picture files, sorted into one folder for each label."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mnist_runtime import PictureError, prepare
from mnist_runtime.preprocess.decode import read_picture
from mnist_trainer.data.files.arrays import Labelled
from mnist_trainer.data.files.forms import LABELS, MOST_FOREIGN, MOST_IMAGES, is_junk
from mnist_trainer.errors import DataError

__all__ = ["label_folders", "load", "subfolders"]

NAMED = 3
"""Number of unreadable pictures that a message lists."""


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in `folder` that no file manager left there, sorted by name."""
    try:
        return sorted(entry for entry in folder.iterdir() if entry.is_dir() and not is_junk(entry.name))
    except OSError as error:
        raise DataError(f"{folder}: The folder cannot be read ({error.strerror}). Check its permissions.") from error


def label_folders(folder: Path) -> dict[Path, int]:
    """Return the folders in `folder` that are named after a digit, ``0`` to ``9`` or ``zero`` to ``nine``."""
    return {entry: LABELS[entry.name.lower()] for entry in subfolders(folder) if entry.name.lower() in LABELS}


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files in `folder` and its subfolders, sorted, without those of file managers."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_junk(name))
        yield from (Path(parent, name) for name in sorted(files) if not is_junk(name))


def load(folder: Path) -> tuple[Labelled, list[str]]:
    """Load the pictures in the label folders of `folder`, each prepared as on a device.

    Returns
    -------
    tuple
        The images with their digits; and notes about other folders and pictures that cannot be read.

    Raises
    ------
    DataError
        If there are no pictures, too many, or more than one in twenty cannot be read.
    """
    images, labels = [], []
    unreadable: list[tuple[Path, str]] = []
    for subfolder, digit in sorted(label_folders(folder).items(), key=lambda pair: (pair[1], pair[0])):
        for file in files_below(subfolder):
            try:
                images.append(prepare(read_picture(file)))
            except PictureError as error:
                unreadable.append((file, str(error).removeprefix(f"{file}: ")))
                continue
            labels.append(digit)
            if len(images) > MOST_IMAGES:
                raise DataError(f"{folder}: There are more than {MOST_IMAGES:,} pictures. Give a part of them.")
    if unreadable and len(unreadable) > MOST_FOREIGN * (len(images) + len(unreadable)):
        file, problem = unreadable[0]
        raise DataError(
            f"{folder}: {len(unreadable):,} of {len(images) + len(unreadable):,} files cannot be read as pictures, "
            f"more than {MOST_FOREIGN:.0%}. The first: {file.relative_to(folder)}: {problem} Replace or remove them."
        )
    if not images:
        raise DataError(f"{folder}: There are no pictures. Put them into folders named 0/ to 9/.")
    return Labelled(np.stack(images), np.array(labels, np.uint8)), _notes(folder, unreadable)


def _notes(folder: Path, unreadable: list[tuple[Path, str]]) -> list[str]:
    notes = []
    known = label_folders(folder)
    if others := [entry for entry in subfolders(folder) if entry not in known]:
        counts = ", ".join(f"{entry.name}/ ({sum(1 for _ in files_below(entry)):,} files)" for entry in others[:8])
        more = f" and {len(others) - 8} more" if len(others) > 8 else ""
        notes.append(f"{folder}: left out, since their names are not labels 0 to 9: {counts}{more}")
    if unreadable:
        names = ", ".join(str(file.relative_to(folder)) for file, _ in unreadable[:NAMED])
        more = f" and {len(unreadable) - NAMED} more" if len(unreadable) > NAMED else ""
        plural = "s" if len(unreadable) > 1 else ""
        notes.append(
            f"{folder}: left out {len(unreadable):,} file{plural} that cannot be read as pictures: {names}{more}"
        )
    return notes
