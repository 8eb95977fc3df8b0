"""What ``mnist-train --from`` needs besides a training: the model, the user's images, and images to rehearse."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mnist_runtime.artifact.task import DIGITS, MOST_LABELS
from mnist_runtime.system.command import echo
from mnist_trainer.data.load import DATASETS, load_data
from mnist_trainer.data.records import recorded_task
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.errors import DataError, UsageError
from mnist_trainer.foreign.declared import declared_shapes
from mnist_trainer.foreign.stated import stated_form
from mnist_trainer.model_io.find import ModelFile, find_model

if TYPE_CHECKING:
    from mnist_trainer.data.dataset import Splits

__all__ = ["base_model", "own_images", "rehearsed"]


def base_model(name: str, other: str | None, data: str, strategy: str | None) -> ModelFile:
    """Return the model to tune.

    Raises
    ------
    UsageError
        If other options have no meaning with it.
    """
    if other:
        raise UsageError("--from keeps the architecture of its model. Leave --architecture and --preset out.")
    if strategy:
        raise UsageError("--from works on one device only. Leave --strategy out.")
    if data == "auto":
        raise UsageError("--from tunes a model to your images. Add --data PATH, such as a folder of pictures.")
    return find_model(name)


def own_images(base: ModelFile, data: str, stated: StatedTask) -> Splits:
    """Load the user's images in the form that the model takes.

    Labels that are all known to the model are numbered as it does, so that it keeps the others too. Numbers below the
    number of its scores are such labels, if the model has no record of its own.
    """
    known = recorded_task(base.path)
    stated = stated_form(base.path, data, stated)
    if known is None and stated.labels is None and data not in DATASETS:
        stated = replace(stated, classes=_number_of_scores(base))
    splits = load_data(data, stated=stated)
    labels = set(splits.train.task.labels)
    if known and stated.labels is None and labels < set(known.labels):
        return load_data(data, stated=replace(stated, labels=known.labels))
    return splits


def _number_of_scores(base: ModelFile) -> int | None:
    """Return the number of scores that a model's file declares, if it can be one of classes."""
    scores = declared_shapes(base.path)[1]
    return scores if scores and 1 < scores <= MOST_LABELS else None


def rehearsed(data: Splits) -> Splits | None:
    """Return MNIST if the images are digits and it is available, else None with a note."""
    if data.train.task != DIGITS or data.train.name == "mnist":
        return None
    try:
        return load_data("mnist")
    except DataError as error:
        echo(f"note: MNIST is not available, so the model rehearses pen digits only. {error}")
        return None
