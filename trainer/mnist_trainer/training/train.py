"""`train`: train a model and record how it was made."""

from __future__ import annotations

import dataclasses
import json
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from mnist_runtime import __version__
from mnist_runtime.artifact.task import DIGITS
from mnist_runtime.system.atomic import atomic_files
from mnist_runtime.system.process import installed_version
from mnist_runtime.system.terminal import step_shown
from mnist_trainer.architectures.base import Architecture
from mnist_trainer.data.dataset import Dataset, Splits, hold_out
from mnist_trainer.data.load import DATASETS
from mnist_trainer.data.records import seen_facts
from mnist_trainer.errors import UsageError
from mnist_trainer.evaluation.complexity import macs
from mnist_trainer.evaluation.evaluate import evaluate
from mnist_trainer.model_io.find import find_model
from mnist_trainer.model_io.isolation.private_copy import digest
from mnist_trainer.recipes.recipe import Recipe
from mnist_trainer.training.checkpoint import Checkpoint
from mnist_trainer.training.loop import EpochCallback, TrainingLoop
from mnist_trainer.training.monitoring.curves import draw_curves
from mnist_trainer.training.monitoring.tensorboard import EventLog
from mnist_trainer.training.techniques.batch_norm_recalibration import recalibrate_batch_norm
from mnist_trainer.training.techniques.distribution import is_chief
from mnist_trainer.training.techniques.temperature_scaling import temperature_scale

__all__ = ["InterruptedTraining", "Training", "train"]

LEAST_VALIDATION = 10
"""Smallest number of validation images."""

PIXEL_RANGE = "0..1"
"""Range to which the pixels are scaled."""

MEASURING = 6.0
"""Seconds on a usual machine after the last epoch: statistics of batch normalization, accuracies."""

TOOLS = {"keras": "keras", "tensorflow": "tensorflow", "numpy": "numpy", "scikit-learn": "sklearn"}
"""Package -> module. The training record stores their versions, because the weights depend on them."""


@dataclasses.dataclass(frozen=True, eq=False)
class Training:
    """A trained model and its record, a dictionary of JSON values."""

    model: keras.Model
    record: dict[str, Any]

    def save(self, path: Path, *, curves: bool = False) -> dict[str, Any]:
        """Write the model to `path`, its record beside it as ``.json`` and, on request, its curves as ``.png``.

        Return the record as written to the file. It also contains the SHA-256 of the model, ``model_sha256``, which
        shows later that record and model belong together.

        Raises
        ------
        OutputError
            If a file cannot be written; files of an earlier training are then unchanged.
        """
        with atomic_files(path.parent) as folder:
            self.model.save(folder / path.name)
            record = self.record | {"model_sha256": digest(folder / path.name)}
            (folder / f"{path.stem}.json").write_text(json.dumps(record, indent=2) + "\n")
            if curves and self.record["epochs_done"]:
                draw_curves(self.record, folder / f"{path.stem}.png")
        return record


class InterruptedTraining(KeyboardInterrupt):
    """Raised after Ctrl-C during training. The attribute `training` contains the model as trained so far."""

    def __init__(self, training: Training) -> None:
        super().__init__()
        self.training = training


def train(
    architecture: Architecture,
    data: Splits,
    *,
    recipe: Recipe | None = None,
    seed: int = 0,
    checkpoint: Path | None = None,
    resume: bool = False,
    tensorboard: Path | None = None,
    callback: EpochCallback | None = None,
    strategy: tf.distribute.Strategy | None = None,
    mix: Callable[[Dataset], Dataset] | None = None,
    facts: Mapping[str, Any] | None = None,
    show: bool = False,
) -> Training:
    """Train `architecture` on the training images of `data`. Some of them are held out for validation.

    On one machine, the same seed gives the same weights. Every random choice is seeded, and TensorFlow uses
    deterministic operations for the rest of the process. The test images are used once, after training.

    Parameters
    ----------
    architecture : Architecture
        Architecture to train.
    data : Splits
        Training and test images.
    recipe : Recipe, optional
        Recipe to use. Default: the architecture's own recipe, adapted to the data with `Recipe.for_task`.
    seed : int
        Seed of the initial weights, the validation split, the order of the images and their random changes.
    checkpoint : Path, optional
        File to write after every epoch.
    resume : bool
        Whether to resume from `checkpoint` if it exists. The weights are then those of a training without a stop.
    tensorboard : Path, optional
        Folder for TensorBoard's event files.
    callback : callable, optional
        Function to call after each epoch with its number, from 0, and its figures. An exception ends the training.
    strategy : tf.distribute.Strategy, optional
        Distributes each batch over devices or machines; see
        `mnist_trainer.training.techniques.distribution.open_strategy`. Call this function on every machine with the
        same arguments. All get the same model; the chief writes the checkpoint and shows progress.
    mix : callable, optional
        Function that returns the images to train on. Its argument is the training images without those for validation.
    facts : dict, optional
        Other facts that determine the weights, as JSON values, for the training record.
    show : bool
        Whether to show progress on stderr.

    Returns
    -------
    Training
        The model, without optimizer state, and its record.

    Raises
    ------
    DivergedError
        If a loss is infinite or not a number.
    InterruptedTraining
        After Ctrl-C, if at least one step was done.
    ModelError
        If the checkpoint is damaged.
    OutputError
        If the checkpoint cannot be written.
    UsageError
        If the checkpoint is of another run, or the strategy or the data does not support the recipe.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from mnist_trainer.architectures.registry import architecture
    >>> from mnist_trainer.data.load import load_data
    >>> linear = architecture("linear")
    >>> training = train(linear, load_data("digits"), recipe=replace(linear.recipe, epochs=2))
    >>> training.record["train_images"]
    272
    """
    task = data.train.task
    recipe = recipe or architecture.recipe.for_task(task)
    recipe.check_task(task)
    if strategy and recipe.ema_steps:
        raise UsageError(
            f"The recipe of {architecture.name} averages the weights, which works on one device only. Leave the "
            "strategy out, or choose another architecture."
        )
    split = _with_validation(data.train, recipe.validation_split, seed)
    if mix:
        split = split._replace(train=mix(split.train))
    run = _run_facts(architecture, recipe, seed, data) | {"replicas": strategy.num_replicas_in_sync if strategy else 1}
    run |= facts or {}
    loop = TrainingLoop(architecture, recipe, split, run, strategy)
    if resume and checkpoint is not None and checkpoint.exists():
        loop.restore(Checkpoint.load(checkpoint))
    chief = is_chief(strategy)
    callbacks: list[EpochCallback] = [EventLog(tensorboard).epoch] if tensorboard and chief else []
    if callback:
        callbacks.append(callback)
    interrupted = False
    try:
        loop.train(checkpoint if chief else None, callbacks, show=show and chief)
    except KeyboardInterrupt:
        if not loop.has_begun:
            raise
        interrupted = True
    with step_shown("measuring the trained model", MEASURING, show=show and chief):
        model = architecture.build(task)  # without the optimizer, whose state is twice the size of the weights
        model.set_weights(loop.weights())
        shape = model.input_shape[1:]
        recalibrate_batch_norm(model, split.train.pixels(shape))
        logit_scale = None
        if recipe.distillation and not interrupted:
            logit_scale = temperature_scale(model, split.test.pixels(shape), split.test.labels)
        record = {
            **run,
            "parameters": model.count_params(),
            "macs": macs(model),
            "train_images": len(split.train),
            "validation_images": len(split.test),
            "test_images": len(data.test),
            "validation_accuracy": evaluate(model, split.test, PIXEL_RANGE).accuracy,
            "test_accuracy": evaluate(model, data.test, PIXEL_RANGE).accuracy,
            "epochs_done": len(loop.history["loss"]),
            "best_epoch": loop.best_epoch + 1 if recipe.patience else None,
            "logit_scale": logit_scale,
            "interrupted": interrupted,
            "resumed_after": loop.resumed_after,
            "history": {key: [round(value, 6) for value in values] for key, values in loop.history.items()},
            "seconds": round(loop.seconds, 1),
        }
    if interrupted:
        raise InterruptedTraining(Training(model, record))
    return Training(model, record)


def _with_validation(images: Dataset, fraction: float, seed: int) -> Splits:
    """Hold out a fraction of the training images for validation, at least as many images as there are classes."""
    classes = len(set(images.labels.tolist()))
    held_out = max(LEAST_VALIDATION, classes, round(len(images) * fraction))
    held_out = max(classes, min(held_out, len(images) - classes))
    return hold_out(images, held_out, seed, ("train", "validation"))


def _run_facts(architecture: Architecture, recipe: Recipe, seed: int, data: Splits) -> dict[str, Any]:
    """Return everything that determines the weights."""
    distillation = recipe.distillation
    is_known = data.train.name in DATASETS
    return {
        "architecture": architecture.name,
        "pixel_range": PIXEL_RANGE,
        **({} if data.train.task == DIGITS else {"task": dataclasses.asdict(data.train.task)}),
        "dataset": data.train.name,
        "dataset_sha256": {"train": data.train.sha256, "test": data.test.sha256},
        **({} if is_known else {"seen": seen_facts(image.tobytes() for image in data.train.images)}),
        "seed": seed,
        "recipe": dataclasses.asdict(recipe),
        "teacher_sha256": find_model(distillation.teacher).sha256 if distillation else None,
        "tools": {name: installed_version(name, module) for name, module in TOOLS.items()}
        | {"python": platform.python_version(), "mnist-edge-export": __version__},
    }
