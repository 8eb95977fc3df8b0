"""`fine_tune`: tune a trained model to new images, and measure its accuracy on new and old images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_runtime.errors import printable
from mnist_runtime.system.terminal import step_shown
from mnist_trainer.architectures.base import Architecture
from mnist_trainer.data.dataset import Dataset, Splits, hold_out
from mnist_trainer.data.load import DATASETS
from mnist_trainer.data.records import read_record, seen_facts, sets_seen_by
from mnist_trainer.model_io.find import ModelFile, find_model
from mnist_trainer.model_io.rebuild import copied
from mnist_trainer.recipes.fine_tuning import fine_tuning_recipe
from mnist_trainer.recipes.pixel_scaling import PixelScaling
from mnist_trainer.recipes.recipe import Recipe
from mnist_trainer.training.base_model import load_base
from mnist_trainer.training.train import InterruptedTraining, Training, train
from mnist_trainer.training.tuned_network import tuned_network

__all__ = ["fine_tune"]

REHEARSED = 9_000
"""Number of rehearsed images (of the kind in the first training) per epoch.

A model forgets less if there are many different ones.
"""
OWN, ALONE = 3_000, 8_000
"""Number of the user's images per epoch, with and without rehearsed images. They are repeated up to this number."""
MOST_COPIES = 100
"""Largest number of repetitions of an image in an epoch."""

MEASURING = 10.0
"""Seconds on a usual machine to load the base and to measure its labels and pixels."""
ONE = PixelScaling.between(0, 1)


def fine_tune(
    base: str | Path | ModelFile,
    data: Splits,
    *,
    recipe: Recipe | None = None,
    rehearsal: Splits | None = None,
    seed: int = 0,
    trust: bool = False,
    pixel_range: PixelScaling | str | None = None,
    report: Callable[[str], None] | None = None,
    **settings: Any,
) -> Training:
    """Tune a model to the training images of `data`.

    The images are repeated until there are about 3,000, and mixed with 9,000 images of `rehearsal`, so that the model
    does not forget what it learned before. If the labels differ from those of the model, its last layer is replaced;
    the weights of known labels are kept. The model's labels are read from its training record, or found out by trials.

    Parameters
    ----------
    base : str, Path or ModelFile
        Name of a ready model, or path of a model file.
    data : Splits
        The new images; the test part only measures.
    recipe : Recipe, optional
        Default: `fine_tuning_recipe`.
    rehearsal : Splits, optional
        Images of the kind that the model was trained on, usually MNIST. Used if its task is that of `data`.
    seed : int
        Seed of all random choices.
    trust : bool
        Whether code in the file may run; see `load_model`.
    pixel_range : PixelScaling or str, optional
        How the pixels of the model were scaled in training. Default: as recorded, otherwise measured.
    report : callable, optional
        Called with each message about the labels and the pixels of the model.
    **settings
        ``checkpoint``, ``resume``, ``tensorboard``, ``callback`` and ``show`` of `mnist_trainer.training.train.train`.

    Returns
    -------
    Training
        The tuned model, which takes pixels 0..1, and its record. Its key ``tuning`` has the accuracy on the test images
        of `data` and of `rehearsal`, before and after.

    Raises
    ------
    ModelError
        If the model is a SavedModel or does not fit the images, or has other labels and no dense last layer.
    InterruptedTraining
        After Ctrl-C, as from `train`.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from mnist_trainer.data.load import load_data
    >>> short = replace(fine_tuning_recipe({}, DIGITS), epochs=1, pen=None)
    >>> tuned = fine_tune("linear", load_data("digits"), recipe=short)
    >>> tuned.record["tuning"]["own"]["before"] < tuned.record["tuning"]["own"]["after"]
    True
    """
    file = base if isinstance(base, ModelFile) else find_model(base)
    record = read_record(file.path)
    task = data.test.task
    with step_shown(f"measuring {printable(file.name)}", MEASURING, show=bool(settings.get("show"))):
        known = load_base(file, data, given=pixel_range, trust=trust, report=report)
        network = tuned_network(known, task)
    sets, rehearsed = {"own": data.test}, None
    if rehearsal and rehearsal.test.task == task:
        sets["rehearsal"] = rehearsal.test
        count = min(REHEARSED, len(rehearsal.train) // 2)
        rehearsed = hold_out(rehearsal.train, count, seed, ("rest", "rehearsal")).test
    own = (image.tobytes() for part in _own_parts(data.train, rehearsed) for image in part.images)
    before = {name: _accuracy(known.model, known.scaling, known.task, images) for name, images in sets.items()}
    facts = {
        "base": {"name": file.name, "sha256": file.sha256},
        "base_pixels": {"pixel_range": known.pixel_range, "origin": known.range_origin},
        "own_images": len(data.train),
        "seen": seen_facts(own, before=sets_seen_by([file.path])),
        "rehearsal": {"name": rehearsed.name, "sha256": rehearsed.sha256} if rehearsed else None,
    }
    architecture = Architecture(
        name=str(record.get("architecture") or network.name),
        summary=f"{file.name}, tuned",
        build=partial(_copy, network=network),
        recipe=recipe or fine_tuning_recipe(record, task, rehearses=rehearsed is not None),
    )

    def finished(training: Training) -> Training:
        after = {name: _accuracy(training.model, ONE, task, images) for name, images in sets.items()}
        tuning = {
            name: {"name": sets[name].name, "images": len(sets[name]), "before": before[name], "after": after[name]}
            for name in sets
        }
        return Training(training.model, training.record | {"tuning": tuning})

    try:
        mix = partial(_mix, rehearsed=rehearsed)
        return finished(train(architecture, data, seed=seed, mix=mix, facts=facts, **settings))
    except InterruptedTraining as stopped:
        raise InterruptedTraining(finished(stopped.training)) from None


def _own_parts(train: Dataset, rehearsed: Dataset | None) -> list[Dataset]:
    """Return the images of the user that train. Those of named data sets are never divided in another way."""
    return [train] if rehearsed is None or rehearsed.name in DATASETS else [train, rehearsed]


def _copy(task: Task = DIGITS, *, network: keras.Model) -> keras.Model:
    """Return a new model with the weights of `network`, which is for `task`."""
    del task
    return copied(network)


def _accuracy(model: keras.Model, scaling: PixelScaling, known: Task, images: Dataset) -> float:
    """Return the fraction of right answers by the names of the labels, for a model of the labels of `known`."""
    scores = model.predict(scaling.apply(images.images.reshape(-1, *model.input_shape[1:])), batch_size=500, verbose=0)
    names, labels = np.array(known.labels), np.array(images.task.labels)
    return float((names[scores.argmax(axis=1)] == labels[images.labels]).mean())


def _mix(own: Dataset, *, rehearsed: Dataset | None) -> Dataset:
    """Return the user's training images, each repeated several times, together with the rehearsed images."""
    copies = int(np.clip(round((OWN if rehearsed else ALONE) / len(own)), 1, MOST_COPIES))
    parts = [own] * copies + ([rehearsed] if rehearsed else [])
    images, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("images", "labels"))
    return replace(own, images=images, labels=labels)
