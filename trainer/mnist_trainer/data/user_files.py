"""The user's own images: CSV, IDX or ``.npz`` files, or a folder of pictures sorted by label."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mnist_runtime.artifact.task import Task
from mnist_runtime.errors import printable
from mnist_runtime.system.command import echo
from mnist_runtime.system.machine import raise_machine_failure
from mnist_trainer.data.dataset import Dataset, Splits
from mnist_trainer.data.division import divide
from mnist_trainer.data.files import csv_file, folder, idx_files, npz_file
from mnist_trainer.data.files.arrays import Labelled, Reading
from mnist_trainer.data.files.bounded import head
from mnist_trainer.data.files.forms import OTHER_FORMS
from mnist_trainer.data.known_images import mnist_training_images
from mnist_trainer.data.plausible import doubts
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.errors import DataError, MachineError, nearest_path

__all__ = ["load"]

MOST_NAMED = 12
"""Most classes that are named in a note."""
ACCEPTED = "a CSV or .npz file, a folder of pictures in a folder for each label, or a folder with IDX files"


def load(path: Path, seen: Collection[str] | None = None, stated: StatedTask | None = None) -> Splits:
    """Load the user's own images, in any form with only one meaning, and print on stderr how they were read.

    Parameters
    ----------
    path : Path
        A CSV file with a label and the pixels in each row; an ``.npz`` file with arrays such as ``x_train, y_train,
        x_test, y_test`` or ``images, labels``; a folder with IDX files, ``train.csv`` and ``test.csv``, or pictures in
        a folder for each label, divided into ``train/`` and ``test/`` or not. Pictures are prepared as on a device.
    seen : collection of str, optional
        How an undivided set is divided; see `divide`.
    stated : StatedTask, optional
        What is stated about images and classes. Default: digits as in MNIST, if the data can be that.

    Raises
    ------
    DataError
        If something is missing, unreadable or out of range.
    MachineError
        If there is too little memory.
    """
    try:
        reading = _read(path, stated or StatedTask())
    except OSError as error:
        raise_machine_failure(error)
        raise DataError(f"{path} cannot be read ({error.strerror or error}). Check its permissions.") from error
    except MemoryError as error:
        raise MachineError(f"{path}: There is too little memory for the data. Give a part of it.") from error
    notes = list(reading.notes)
    whole = _dataset(path, "train" if reading.test else "all", reading.train, reading)
    if reading.test:
        splits = Splits(whole, _dataset(path, "test", reading.test, reading))
        parts = f"{len(splits.train):,} training and {len(splits.test):,} test images"
        notes += _shared(splits)
    else:
        splits = divide(whole, seen)
        parts = f"{len(whole):,} images, divided: {len(splits.train):,} for training, {len(splits.test):,} for the test"
    if known := mnist_training_images(splits.test.images):
        notes.append(
            f"about {known:,} of the {len(splits.test):,} test images are training images of MNIST; results of models "
            "trained on MNIST, such as the ready models, say little. Use --data mnist."
        )
    if reading.task.is_mnist:
        notes += doubts(whole.images, whole.labels)
    else:
        notes = [_described(reading.task), *notes, *_absent(splits)]
    echo(f"read {printable(str(path))} as {reading.form}; {parts}")
    for note in notes:
        echo(f"note: {note}")
    return splits


def _read(path: Path, stated: StatedTask) -> Reading:
    if path.is_dir():
        return folder.load(path, stated)
    if not path.exists():
        raise DataError(f"There is no data set at {path}.{nearest_path(path) or ' Check the path.'}")
    if not path.is_file():
        raise DataError(f"{path}: This is neither a file nor a folder. Give {ACCEPTED}.")
    start = head(path)
    if npz_file.array_names(path):
        return npz_file.load(path, stated)
    if not start:
        raise DataError(f"{path}: The file is empty. Copy or save it again.")
    if path.suffix == ".npz":
        npz_file.read_npz(path, ())  # raises if it is no archive
    if idx_files.is_idx(start):
        raise DataError(
            f"{path}: This is one IDX file, which has images or labels only. Give the folder that has all of them: "
            f"{path.parent}"
        )
    for magic, name, fix in OTHER_FORMS:
        if start[:64].lstrip(b" \t\r\n").lower().startswith(magic.lower()):
            raise DataError(f"{path}: This is {name}, which is not read as a data set. {fix}")
    if csv_file.is_table(start):
        return csv_file.load(path, stated)
    raise DataError(f"{path}: The file is of an unknown kind. Give {ACCEPTED}.")


def _described(task: Task) -> str:
    """Return what the images and classes are, for one line."""
    names = task.labels if len(task.labels) <= MOST_NAMED else (*task.labels[: MOST_NAMED - 2], "...", task.labels[-1])
    color = "color" if task.channels == 3 else "gray"
    way = "prepared as in MNIST" if task.preparation == "mnist" else "resized and nothing else"
    return (
        f"{color} images of {task.height}x{task.width} pixels in {len(task.labels)} classes ({', '.join(names)}); on a "
        f"device pictures are {way}"
    )


def _absent(splits: Splits) -> list[str]:
    """Return a note on classes without a test image, about which a test says nothing."""
    present = set(splits.test.labels.tolist())
    absent = [name for number, name in enumerate(splits.test.task.labels) if number not in present]
    names = ", ".join(absent[:MOST_NAMED]) + (", ..." if len(absent) > MOST_NAMED else "")
    return [f"no test image shows {'the class' if len(absent) == 1 else 'the classes'} {names}"] if absent else []


def _shared(splits: Splits) -> list[str]:
    training = {image.tobytes() for image in splits.train.images}
    shared = sum(image.tobytes() in training for image in splits.test.images)
    return [f"{shared:,} of {len(splits.test):,} test images are also training images"] if shared else []


def _dataset(path: Path, split: str, part: Labelled, reading: Reading) -> Dataset:
    provenance = f"the user's own images ({reading.form})"
    return Dataset(printable(path.resolve().name), split, provenance, part.images, part.labels, reading.task)
