"""Load the user's own images: CSV, IDX or ``.npz`` files, or pictures in label folders or listed in a table."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_runtime.errors import counted, printable
from mnist_runtime.system.command import echo, warn
from mnist_trainer.data.dataset import MOST_SHARED, Dataset, Splits
from mnist_trainer.data.files.arrays.parts import Labelled, LoadedData
from mnist_trainer.data.isolation.reading import read_in_bounds
from mnist_trainer.data.own_data.division import divide, seen_images
from mnist_trainer.data.own_data.known_images import mnist_training_images
from mnist_trainer.data.own_data.plausible import doubts
from mnist_trainer.data.own_data.polarity import polarity
from mnist_trainer.data.stated import StatedTask

__all__ = ["load_own_data"]

MOST_NAMED = 12
"""Largest number of classes that a note lists by name."""


def load_own_data(
    path: Path,
    seen: Collection[str] | None = None,
    stated: StatedTask | None = None,
    base: Collection[str] = (),
) -> Splits:
    """Load the user's own images in any unambiguous form, and print on stderr how they were read.

    Parameters
    ----------
    path : Path
        A CSV file with a label and the pixels in each row, or with the name of a picture and its label; an ``.npz``
        file with arrays such as ``x_train, y_train, x_test, y_test`` or ``images, labels``; a folder with IDX files,
        ``train.csv`` and ``test.csv``, or pictures in a folder for each label, divided into ``train/`` and ``test/`` or
        not. Pictures are prepared as on a device.
    seen, base : collection of str, optional
        How a data set without a test part is divided; see `divide`.
    stated : StatedTask, optional
        Known facts about the images and classes. Default: digits as in MNIST, if the data can be that.

    Raises
    ------
    DataError
        If something is missing, unreadable or out of range, or reading it takes too long.
    MachineError
        If there is too little memory.
    """
    loaded = read_in_bounds(path, stated or StatedTask())
    notes, one_sided = list(loaded.notes), set[int]()
    whole = _dataset(path, "train" if loaded.test else "all", loaded.train, loaded)
    if loaded.test:
        splits = Splits(whole, _dataset(path, "test", loaded.test, loaded))
        parts = f"{len(splits.train):,} training and {counted(len(splits.test), 'test image')}"
    else:
        splits = divide(whole, seen, base)
        one_sided = set(splits.train.labels.tolist()) ^ set(splits.test.labels.tolist())
        notes += _too_few(splits, one_sided)
        parts = f"{len(whole):,} images, divided: {len(splits.train):,} for training, {len(splits.test):,} for the test"
    if known := mnist_training_images(splits.test.images):
        notes.append(
            f"about {known:,} of the {len(splits.test):,} test images {_are(known, '')} of MNIST. Results on them say "
            "little about models trained on MNIST, such as the ready models. Use --data mnist."
        )
    if loaded.task.is_mnist:
        notes += doubts(whole.images, whole.labels)
    else:
        notes = [_described(splits.train), *_handwriting(loaded.task, stated), *notes]
    notes += _absent(splits, one_sided)
    echo(f"read {printable(str(path))} as {loaded.form}; {parts}")
    for note in notes:
        echo(f"note: {note}")
    if loaded.test:
        _report_shared(splits)
    if trained := int(seen_images(splits.test, base if seen is None else seen).sum()):
        warn(
            f"warning: the model was trained on {trained:,} of the {len(splits.test):,} test images, so that its "
            "accuracy on them says little. Give other images."
        )
    return splits


def _described(data: Dataset) -> str:
    """Describe the images and classes in a few words, for one line of output."""
    task = data.task
    names = task.labels if len(task.labels) <= MOST_NAMED else (*task.labels[: MOST_NAMED - 2], "...", task.labels[-1])
    color = "color" if task.channels == 3 else "gray"
    way = "prepared as in MNIST"
    if task.preparation == "plain":
        way = "only resized"
        if found := polarity(data.images):
            shapes = "digits" if _shows_digits(task) else "shapes"
            way += f": give {found[0]} {shapes} on a {found[1]} background, as these images are"
    return (
        f"{color} images of {task.height}x{task.width} pixels in {len(task.labels)} classes ({', '.join(names)}); on a "
        f"device pictures are {way}"
    )


def _shows_digits(task: Task) -> bool:
    return set(DIGITS.labels) <= set(task.labels)


def _handwriting(task: Task, stated: StatedTask | None) -> list[str]:
    """Return a note that suggests the preparation of MNIST, if the classes contain digits and it may fit better."""
    is_stated = stated is not None and stated.preparation is not None
    if is_stated or task.preparation == "mnist" or task.tensor_shape != DIGITS.tensor_shape or not _shows_digits(task):
        return []
    return [
        "if these are handwritten digits as in MNIST, give --prepare mnist. A device then crops and centers what a "
        "picture shows, dark on light too"
    ]


def _too_few(splits: Splits, one_sided: set[int]) -> list[str]:
    """Return notes on classes with too few images for both parts; `one_sided` contains their numbers."""
    notes = []
    for part, use in ((splits.train, "for training, and not tested"), (splits.test, "for the test, and not learned")):
        sizes = {number: int((part.labels == number).sum()) for number in sorted(one_sided)}
        found = [f"{part.task.labels[number]} ({size})" for number, size in sizes.items() if size]
        if found:
            names = ", ".join(found[:MOST_NAMED]) + (", ..." if len(found) > MOST_NAMED else "")
            notes.append(
                f"too few images show {names}: they are used {use}. Give at least three of each; fifty are better"
            )
    return notes


def _absent(splits: Splits, one_sided: set[int]) -> list[str]:
    """Return a note on the classes outside of `one_sided` that have no test image, so that they are not tested."""
    present = set(splits.test.labels.tolist()) | one_sided
    absent = [name for number, name in enumerate(splits.test.task.labels) if number not in present]
    names = ", ".join(absent[:MOST_NAMED]) + (", ..." if len(absent) > MOST_NAMED else "")
    one, several = ("digit", "digits") if splits.test.task.is_mnist else ("class", "classes")
    return [f"no test image shows the {one if len(absent) == 1 else several} {names}"] if absent else []


def _report_shared(splits: Splits) -> None:
    """Print how many test images are also training images: a note, or a warning if a test is then useless."""
    training = {image.tobytes() for image in splits.train.images}
    shared = sum(image.tobytes() in training for image in splits.test.images)
    text = f"{shared:,} of {len(splits.test):,} test images {_are(shared, 'also ')}"
    if shared > MOST_SHARED * len(splits.test):
        warn(f"warning: {text}, so that a test says little. Divide the data again, without duplicates.")
    elif shared:
        echo(f"note: {text}")


def _dataset(path: Path, split: str, part: Labelled, loaded: LoadedData) -> Dataset:
    provenance = f"the user's own images ({loaded.form})"
    return Dataset(printable(path.resolve().name), split, provenance, part.images, part.labels, loaded.task)


def _are(count: int, also: str) -> str:
    """Return the end of the sentence about the number of images that are training images."""
    return f"is {also}a training image" if count == 1 else f"are {also}training images"
