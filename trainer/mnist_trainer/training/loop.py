"""`TrainingLoop`: a model during training."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from mnist_trainer.architectures.base import Architecture
from mnist_trainer.data.dataset import Dataset, Splits
from mnist_trainer.errors import DivergedError
from mnist_trainer.recipes.recipe import Recipe
from mnist_trainer.training.batches import Batches
from mnist_trainer.training.checkpoint import Checkpoint
from mnist_trainer.training.monitoring.progress import Progress
from mnist_trainer.training.techniques.distribution import DistributedEpochs
from mnist_trainer.training.techniques.fused_batch_norm import fused_batch_norm
from mnist_trainer.training.techniques.optimizer import build_optimizer
from mnist_trainer.training.techniques.teacher import load_teacher
from mnist_trainer.training.techniques.weight_average import EMA

__all__ = ["EpochCallback", "TrainingLoop"]

EpochCallback = Callable[[int, dict[str, float]], None]
"""Function that is called after each epoch with its number, from 0, and its figures."""

STEPS_AT_ONCE = 32
"""Steps that TensorFlow executes in one call. More bring no gain, and Ctrl-C must wait for them."""


class TrainingLoop:
    """A model, its optimizer and the history of its training.

    Parameters
    ----------
    architecture, recipe
        See `mnist_trainer.training.train.train`.
    split : Splits
        Training images, and the validation images as its test part.
    run : dict
        Everything that determines the weights, as in `Checkpoint`. It has a ``seed``.
    strategy : tf.distribute.Strategy or None
        Distribution over devices or machines; None for one device.

    Attributes
    ----------
    history : dict of str to list of float
        Figures of each finished epoch.
    seconds : float
        Training time, with that of the runs before a resume.
    resumed_after : int or None
        Number of epochs that the checkpoint had; None without one.
    """

    def __init__(
        self,
        architecture: Architecture,
        recipe: Recipe,
        split: Splits,
        run: dict[str, Any],
        strategy: tf.distribute.Strategy | None,
    ) -> None:
        keras.utils.set_random_seed(run["seed"])
        tf.config.experimental.enable_op_determinism()
        self._recipe, self._run = recipe, run
        with strategy.scope() if strategy else contextlib.nullcontext():
            model = architecture.build(split.train.task)
            self._model = fused_batch_norm(model, recipe.precision) if recipe.precision else model
            shape = self._model.input_shape[1:]
            # After `build`: loading the teacher draws random numbers, and would change the initial weights.
            teacher = load_teacher(recipe.distillation, split.train, run["seed"]) if recipe.distillation else None
            self._batches = Batches(split.train, recipe, shape, run["seed"], teacher=teacher)
            self._validation = _validation_batches(split.test, recipe, shape)
            steps = self._batches.steps
            self._model.compile(
                build_optimizer(recipe, steps),
                loss=recipe.loss,
                metrics=["accuracy"],
                steps_per_execution=min(STEPS_AT_ONCE, steps),
            )
            self._model.optimizer.build(self._model.trainable_variables)
        self._distributed = DistributedEpochs(strategy, self._model, recipe.loss) if strategy else None
        self._best: list[npt.NDArray[Any]] = []
        self._ema: EMA | None = None
        if recipe.ema_steps:
            # At most a quarter of a short training: otherwise the first weights would dominate the average.
            self._ema = EMA(min(recipe.ema_steps, steps * recipe.epochs / 4), STEPS_AT_ONCE)
        self.history: dict[str, list[float]] = {"loss": [], "accuracy": [], "val_loss": [], "val_accuracy": []}
        self.seconds = 0.0
        self.resumed_after: int | None = None

    @property
    def has_begun(self) -> bool:
        """Whether at least one step is done."""
        return int(self._model.optimizer.iterations) > 0

    @property
    def best_epoch(self) -> int:
        """Epoch with the lowest validation loss, counted from 0; -1 before the first."""
        losses = self.history["val_loss"]
        return int(np.argmin(losses)) if losses else -1

    def weights(self) -> list[npt.NDArray[Any]]:
        """Return the weights of the best epoch if the recipe has patience, else the current weights."""
        return self._best or self._model.get_weights()

    def restore(self, checkpoint: Checkpoint) -> None:
        """Restore the state from a checkpoint.

        Raises
        ------
        UsageError
            If the checkpoint is of another run.
        """
        checkpoint.check_same_run(self._run)
        for variable, value in zip(self._model.variables, checkpoint.model, strict=True):
            variable.assign(value)
        for variable, value in zip(self._model.optimizer.variables, checkpoint.optimizer, strict=True):
            variable.assign(value)
        self.history, self.seconds, self._best = checkpoint.history, checkpoint.seconds, list(checkpoint.best)
        if self._ema is not None:
            self._ema.values = list(checkpoint.ema)
        self.resumed_after = len(self.history["loss"])

    def train(self, checkpoint: Path | None, callbacks: Sequence[EpochCallback], *, show: bool) -> None:
        """Train until the recipe, or its patience, ends.

        Parameters
        ----------
        checkpoint : Path or None
            File to write after each epoch.
        callbacks : sequence of callable
            Functions to call after each epoch.
        show : bool
            Whether to show progress on stderr.

        Raises
        ------
        DivergedError
            If a loss is infinite or not a number.
        """
        done = len(self.history["loss"])
        with Progress(self._recipe.epochs, self._batches.steps, done, show=show) as progress:
            for epoch in range(done, self._recipe.epochs):
                if self._is_out_of_patience():
                    break
                began, before = time.perf_counter(), self.seconds
                try:
                    figures = self._epoch(epoch, progress)
                finally:
                    self.seconds = before + time.perf_counter() - began
                progress.epoch(epoch, figures)
                for callback in callbacks:
                    callback(epoch, figures)
                if checkpoint:
                    self._state().save(checkpoint)
        if self._ema is not None:  # after the last checkpoint, which has the weights without the average
            self._ema.apply(self._model)

    def _epoch(self, number: int, progress: Progress) -> dict[str, float]:
        """Train epoch `number`, add its figures to the history and return them."""
        if self._distributed:
            figures = self._distributed.train(self._batches, number) | self._distributed.validate(self._validation)
        else:
            figures = self._fit(number, progress)
        if not all(map(math.isfinite, figures.values())):
            raise DivergedError(
                f"The loss is {figures['loss']} in training and {figures['val_loss']} in validation after epoch "
                f"{number + 1}. Choose a lower learning rate than {self._recipe.peak_learning_rate:g}."
            )
        if self._recipe.patience is not None and figures["val_loss"] < min(self.history["val_loss"], default=math.inf):
            self._best = self._model.get_weights()
        # One assignment, so that Ctrl-C leaves either all or none of the figures.
        self.history = {key: [*values, figures[key]] for key, values in self.history.items()}
        return figures

    def _fit(self, number: int, progress: Progress) -> dict[str, float]:
        fitted = self._model.fit(
            self._batches.epoch(number),
            validation_data=self._validation,
            shuffle=False,  # `Batches` has shuffled them
            verbose=0,
            callbacks=[progress, *([self._ema] if self._ema else [])],
        )
        return {key: float(values[0]) for key, values in fitted.history.items()}

    def _is_out_of_patience(self) -> bool:
        waited = len(self.history["loss"]) - 1 - self.best_epoch
        return self._recipe.patience is not None and waited >= self._recipe.patience

    def _state(self) -> Checkpoint:
        return Checkpoint(
            run=self._run,
            history=self.history,
            seconds=self.seconds,
            model=[variable.numpy() for variable in self._model.variables],
            optimizer=[variable.numpy() for variable in self._model.optimizer.variables],
            best=self._best,
            ema=self._ema.values if self._ema else [],
        )


def _validation_batches(data: Dataset, recipe: Recipe, shape: tuple[int, ...]) -> tf.data.Dataset:
    """Return `data` unchanged and in order, in large batches, with labels as the loss takes them."""
    labels = tf.one_hot(data.labels.astype(np.int32), len(data.task.labels)) if recipe.takes_one_hot else data.labels
    return tf.data.Dataset.from_tensor_slices((data.pixels(shape), labels)).batch(500)
