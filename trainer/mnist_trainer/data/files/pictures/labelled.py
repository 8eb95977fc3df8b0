"""Read picture files with known labels, from folders or a table, and prepare them as on a device."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mnist_runtime import PictureError
from mnist_runtime.artifact.task import DIGITS, SIDES, Task
from mnist_runtime.errors import counted, listed
from mnist_runtime.preprocess.decode import read_picture
from mnist_trainer.data.files.arrays.labels import Classes, classes_of, read_labels
from mnist_trainer.data.files.arrays.parts import Labelled, LoadedData, check_size, task_of
from mnist_trainer.data.files.arrays.prepared import prepared
from mnist_trainer.data.files.names import LABELS
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.errors import DataError

__all__ = ["MOST_FOREIGN", "NAMED", "Pictures", "left_out", "load_pictures"]

MOST_FOREIGN = 0.05
"""Largest fraction of unreadable pictures. If there are more, the whole data set is rejected."""

NAMED = 3
"""Number of ignored files that a note lists by name."""


class Pictures(NamedTuple):
    """The pictures of one split.

    Parameters
    ----------
    place : Path
        The folder or table that contains them, for messages.
    files : list of tuple
        Path and label, as text, of each picture.
    """

    place: Path
    files: list[tuple[Path, str]]


def load_pictures(splits: Sequence[Pictures], form: str, stated: StatedTask, notes: Sequence[str] = ()) -> LoadedData:
    """Load the pictures of one split, or of the training and the test images.

    Parameters
    ----------
    splits : sequence of Pictures
        One or two splits with at least one picture each.
    form : str
        Description of the data, for one line on stderr.
    stated : StatedTask
        Known facts about the images and classes.
    notes : sequence of str
        Earlier notes. Notes on unreadable pictures are added.

    Raises
    ------
    DataError
        If there are too many pictures, more than 5 % of them cannot be read, a label is not one of the classes, or
        the pictures have different sizes and `stated` has no size.
    """
    names = [np.array([name for _, name in split.files]) for split in splits]
    raw = [read_labels(labels, str(split.place)) for labels, split in zip(names, splits, strict=True)]
    present = {str(name).lower() for labels in names for name in labels}
    may_be_digits = stated.may_be_digits and present <= set(LABELS)
    classes = classes_of(raw, stated.labels, may_be_digits=may_be_digits, count=stated.classes)
    where = str(splits[0].place)
    task = _task(splits, classes, stated)
    counts = [len(split.files) for split in splits]
    check_size(max(counts), sum(counts) * task.pixels, where)
    images: list[npt.NDArray[np.uint8]] = []
    labels = []
    notes = list(notes)
    for split, indices in zip(splits, classes.indices, strict=True):
        pixels, is_read, unreadable = _prepared(split, task)
        images.append(pixels)
        labels.append(indices[is_read])
        if unreadable:
            notes.append(left_out(split.place, unreadable, "that cannot be read as pictures"))
    if task.channels == 3 and stated.channels is None and all((part == part[..., :1]).all() for part in images):
        images = [np.ascontiguousarray(part[..., 0]) for part in images]
        task = task_of(images[0].shape[1:], task.labels, stated, where)
    parts = [Labelled(*pair) for pair in zip(images, labels, strict=True)]
    return LoadedData(parts[0], parts[1] if len(parts) == 2 else None, task, form, tuple(notes))


def left_out(place: Path, files: Sequence[Path], which: str) -> str:
    """Return a note on the `files` of the folder or table `place` that are ignored; `which` says what kind they are."""
    names = listed([_shown(file, place) for file in files], NAMED)
    return f"{place}: left out {counted(len(files), 'file')} {which}: {names}"


def _shown(file: Path, place: Path) -> str:
    folder = place if place.is_dir() else place.parent
    return str(file.relative_to(folder) if file.is_relative_to(folder) else file)


def _task(splits: Sequence[Pictures], classes: Classes, stated: StatedTask) -> Task:
    """Return the task. The image size is the stated one, else that of digits, else the size of the pictures."""
    where = str(splits[0].place)
    handwriting = task_of(DIGITS.image_shape, classes.names, stated, where)
    if handwriting.preparation == "mnist":
        return handwriting
    size = stated.size or _common_size(where, [file for split in splits for file, _ in split.files])
    return task_of((*size, 3), classes.names, stated, where)


def _common_size(where: str, files: Sequence[Path]) -> tuple[int, int]:
    """Return the height and width that all pictures have.

    Raises
    ------
    DataError
        If the sizes differ, or are too small or too large.
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
                f"{where}: The pictures have sizes such as {found} pixels (height x width). State the size of the "
                f"images, with sides of {SIDES[0]} to {SIDES[-1]} pixels: --image-size HEIGHTxWIDTH. For "
                "handwriting that is to be normalized as in MNIST: --prepare mnist."
            )
        first = size
    return (first[0], first[1]) if first else (DIGITS.height, DIGITS.width)


def _prepared(split: Pictures, task: Task) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_], list[Path]]:
    """Return the images, a mask of the files that could be read, and the paths of the others."""
    images = []
    is_read = np.ones(len(split.files), np.bool_)
    unreadable: list[tuple[Path, str]] = []
    for index, (file, _) in enumerate(split.files):
        try:
            images.append(prepared(read_picture(file), task))
        except PictureError as error:
            unreadable.append((file, str(error).removeprefix(f"{file}: ")))
            is_read[index] = False
    if len(unreadable) > MOST_FOREIGN * len(split.files):
        file, problem = unreadable[0]
        raise DataError(
            f"{split.place}: {len(unreadable):,} of {len(split.files):,} files cannot be read as pictures, "
            f"more than {MOST_FOREIGN:.0%}. The first: {_shown(file, split.place)}: {problem} Replace or remove them."
        )
    return np.stack(images), is_read, [file for file, _ in unreadable]
