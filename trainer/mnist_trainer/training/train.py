"""`train`: from an architecture and a data set to a Keras model and the record of how it was made."""

from __future__ import annotations

import dataclasses
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_runtime import __version__
from mnist_trainer.data.dataset import Splits, hold_out
from mnist_trainer.errors import UsageError
from mnist_trainer.evaluation.evaluate import evaluate
from mnist_trainer.model_io.complexity import macs
from mnist_trainer.model_io.find import find_model
from mnist_trainer.training.checkpoint import Checkpoint
from mnist_trainer.training.loop import EpochCallback, TrainingLoop
from mnist_trainer.training.monitoring.tensorboard import EventLog
from mnist_trainer.training.techniques.batch_norm_recalibration import recalibrate_batch_norm
from mnist_trainer.training.techniques.distribution import is_chief
from mnist_trainer.training.techniques.temperature_scaling import temperature_scale

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from mnist_trainer.architectures.base import Architecture
    from mnist_trainer.recipes.recipe import Recipe

__all__ = ["InterruptedTraining", "Training", "train"]

LEAST_VALIDATION = 10
"""Images held out of a data set however small."""

TOOLS = ("keras", "tensorflow", "numpy", "scikit-learn")
"""The packages on which the weights depend."""


@dataclasses.dataclass(frozen=True, eq=False)
class Training:
    """A trained model and its record: plain values, ready to be written as JSON."""

    model: keras.Model
    record: dict[str, Any]


class InterruptedTraining(KeyboardInterrupt):
    """Ctrl-C while a model was trained; `training` holds it as far as it had come."""

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
    follow: EpochCallback | None = None,
    strategy: tf.distribute.Strategy | None = None,
    show: bool = False,
) -> Training:
    """Train `architecture` on the training images of `data`, less a validation split held out of them.

    The same seed gives the same weights on the same machine: every random choice is seeded, and TensorFlow is
    set to deterministic kernels for the rest of the process. The test images are looked at once, at the end.

    Parameters
    ----------
    architecture : Architecture
        What to train.
    data : Splits
        Training and test images.
    recipe : Recipe, optional
        In place of the architecture's own.
    seed : int
        Of the weights, the validation split, the order and the augmentation.
    checkpoint : Path, optional
        A file, written anew after every epoch.
    resume : bool
        Go on from `checkpoint`, if it is there; the weights become those of a run that was never stopped.
    tensorboard : Path, optional
        A folder for the curves.
    follow : callable, optional
        Is given the number, from 0, and the figures of each epoch that is done; what it raises ends the training.
    strategy : tf.distribute.Strategy, optional
        Shares each batch among devices or machines; see `open_strategy`. Every machine calls this function with the
        same arguments and gets the same model; the one that is the chief writes the checkpoint and shows progress.
    show : bool
        Show progress on stderr.

    Returns
    -------
    Training
        The model, without optimizer state, and what was measured.

    Raises
    ------
    DivergedError
        If a loss becomes infinite or not a number.
    InterruptedTraining
        On Ctrl-C, once a step is done.
    ModelError
        If the checkpoint is damaged.
    UsageError
        If the checkpoint is of another run or cannot be written, or the recipe cannot follow the strategy.

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
    recipe = recipe or architecture.recipe
    if strategy and recipe.ema_steps:
        raise UsageError(
            "Expected a recipe whose weights are not averaged while they are trained, as only one device does, "
            f"received that of {architecture.name}; leave the strategy out, or choose another architecture."
        )
    held_out = max(LEAST_VALIDATION, round(len(data.train) * recipe.validation_split))
    split = hold_out(data.train, held_out, seed, ("train", "validation"))
    run = _facts(architecture, recipe, seed, data) | {"replicas": strategy.num_replicas_in_sync if strategy else 1}
    trainee = TrainingLoop(architecture, recipe, split, run, strategy)
    chief = is_chief(strategy)
    followers = [EventLog(tensorboard).epoch] if tensorboard and chief else []
    if resume and checkpoint is not None and checkpoint.exists():
        trainee.restore(Checkpoint.load(checkpoint))
    interrupted = False
    try:
        trainee.train(checkpoint if chief else None, [*followers, *([follow] if follow else [])], show=show and chief)
    except KeyboardInterrupt:
        if not trainee.has_begun:
            raise
        interrupted = True
    model = architecture.build()  # without the optimizer, whose state is twice the weights
    model.set_weights(trainee.weights())
    recalibrate_batch_norm(model, split.train.pixels(model.input_shape[1:]))
    softened = recipe.distillation is not None and not interrupted
    logit_scale = (
        temperature_scale(model, split.test.pixels(model.input_shape[1:]), split.test.labels) if softened else None
    )
    record = {
        **run,
        "parameters": model.count_params(),
        "macs": macs(model),
        "train_images": len(split.train),
        "validation_images": len(split.test),
        "test_images": len(data.test),
        "validation_accuracy": evaluate(model, split.test, "0..1").accuracy,
        "test_accuracy": evaluate(model, data.test, "0..1").accuracy,
        "epochs_done": len(trainee.history["loss"]),
        "best_epoch": trainee.best_epoch + 1 if recipe.patience else None,
        "logit_scale": logit_scale,
        "interrupted": interrupted,
        "resumed_after": trainee.resumed_after,
        "history": {key: [round(value, 6) for value in values] for key, values in trainee.history.items()},
        "seconds": round(trainee.seconds, 1),
    }
    if interrupted:
        raise InterruptedTraining(Training(model, record))
    return Training(model, record)


def _facts(architecture: Architecture, recipe: Recipe, seed: int, data: Splits) -> dict[str, Any]:
    """Return all from which the weights follow."""
    distillation = recipe.distillation
    return {
        "architecture": architecture.name,
        "pixel_range": "0..1",
        "dataset": data.train.name,
        "dataset_sha256": {"train": data.train.sha256, "test": data.test.sha256},
        "seed": seed,
        "recipe": dataclasses.asdict(recipe),
        "teacher_sha256": find_model(distillation.teacher).sha256 if distillation else None,
        "tools": {name: metadata.version(name) for name in TOOLS}
        | {"python": platform.python_version(), "mnist-edge-export": __version__},
    }
