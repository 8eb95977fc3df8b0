"""`TrainingLoop`: a model while it is trained."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mnist_trainer.data.dataset import Dataset, Splits
from mnist_trainer.errors import DivergedError
from mnist_trainer.training.batches import Batches
from mnist_trainer.training.checkpoint import Checkpoint
from mnist_trainer.training.monitoring.progress import Progress
from mnist_trainer.training.techniques.distribution import DistributedEpochs
from mnist_trainer.training.techniques.fused_batch_norm import fused_batch_norm
from mnist_trainer.training.techniques.optimizer import build_optimizer
from mnist_trainer.training.techniques.weight_average import EMA

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from mnist_trainer.architectures.base import Architecture
    from mnist_trainer.recipes.recipe import Recipe

__all__ = ["EpochCallback", "TrainingLoop"]

EpochCallback = Callable[[int, dict[str, float]], None]
"""Is told the number, from 0, and the figures of each epoch that is done."""

STEPS_AT_ONCE = 32
"""Steps that TensorFlow makes without asking Python: more gain nothing, and Ctrl-C waits for them."""


class TrainingLoop:
    """A model, its optimiser, and how it went so far: what a checkpoint holds, alive.

    Parameters
    ----------
    architecture, recipe
        As for `mnist_trainer.training.train.train`.
    split : Splits
        The images to train with, and those to validate with.
    run : dict
        What its checkpoints say that the weights follow from, among it the ``seed``.
    strategy : tf.distribute.Strategy or None
        How the work is shared; None where one device does it all.
    """

    def __init__(
        self,
        architecture: Architecture,
        recipe: Recipe,
        split: Splits,
        run: dict[str, Any],
        strategy: tf.distribute.Strategy | None,
    ) -> None:
        import keras
        import tensorflow as tf

        from mnist_trainer.training.techniques.teacher import load_teacher

        keras.utils.set_random_seed(run["seed"])
        tf.config.experimental.enable_op_determinism()
        self._recipe, self._run = recipe, run
        with strategy.scope() if strategy else contextlib.nullcontext():
            built = architecture.build()
            self._model = fused_batch_norm(built, recipe.precision) if recipe.precision else built
            shape = self._model.input_shape[1:]
            self._batches = Batches(
                split.train,
                recipe,
                shape,
                run["seed"],
                teach=load_teacher(recipe.distillation) if recipe.distillation else None,
            )
            self._validation = _plain(split.test, recipe, shape)
            self._model.compile(
                build_optimizer(recipe, self._batches.steps),
                loss=recipe.loss,
                metrics=["accuracy"],
                steps_per_execution=min(STEPS_AT_ONCE, self._batches.steps),
            )
            self._model.optimizer.build(self._model.trainable_variables)
        self._distributed = DistributedEpochs(strategy, self._model, recipe.loss) if strategy else None
        self._best: list[npt.NDArray[Any]] = []
        # Of a short training a quarter: it would else end with what it began with.
        window = min(recipe.ema_steps or 0, self._batches.steps * recipe.epochs / 4)
        self._average = EMA(self._model, window, STEPS_AT_ONCE) if recipe.ema_steps else None
        self.history: dict[str, list[float]] = {"loss": [], "accuracy": [], "val_loss": [], "val_accuracy": []}
        self.seconds = 0.0
        self.resumed_after: int | None = None

    @property
    def has_begun(self) -> bool:
        """Whether a step is done."""
        return int(self._model.optimizer.iterations) > 0

    @property
    def best_epoch(self) -> int:
        """The epoch with the smallest validation loss, counted from 0; -1 before the first."""
        losses = self.history["val_loss"]
        return int(np.argmin(losses)) if losses else -1

    def weights(self) -> list[npt.NDArray[Any]]:
        """Return those of the best epoch, if the recipe has patience, else those that it has now."""
        return self._best or self._model.get_weights()

    def restore(self, checkpoint: Checkpoint) -> None:
        """Become what was saved."""
        checkpoint.refuse_another_run(self._run)
        for variable, value in zip(self._model.variables, checkpoint.model, strict=True):
            variable.assign(value)
        for variable, value in zip(self._model.optimizer.variables, checkpoint.optimizer, strict=True):
            variable.assign(value)
        self.history, self.seconds, self._best = checkpoint.history, checkpoint.seconds, list(checkpoint.best)
        if self._average is not None:
            self._average.values = list(checkpoint.average)
        self.resumed_after = len(self.history["loss"])

    def train(self, checkpoint: Path | None, followers: Sequence[EpochCallback], *, show: bool) -> None:
        """Train to the end of the recipe, or of its patience."""
        done = len(self.history["loss"])
        with Progress(self._recipe.epochs, self._batches.steps, done, show=show) as progress:
            for epoch in range(done, self._recipe.epochs):
                if self._patience_is_out():
                    break
                began, before = time.perf_counter(), self.seconds
                try:
                    figures = self._epoch(epoch, progress.follow(epoch))
                finally:
                    self.seconds = before + time.perf_counter() - began
                progress.epoch(epoch, figures)
                for follow in followers:
                    follow(epoch, figures)
                if checkpoint:
                    self._saved().save(checkpoint)
        if self._average is not None:  # no checkpoint holds what this does
            self._average.settle()

    def _epoch(self, number: int, follow: keras.callbacks.Callback) -> dict[str, float]:
        if self._distributed:
            figures = self._distributed.train(self._batches, number) | self._distributed.validate(self._validation)
        else:
            figures = self._fit(number, follow)
        if not all(map(math.isfinite, figures.values())):
            raise DivergedError(
                f"Expected a finite loss, received {figures['loss']} in training and {figures['val_loss']} in "
                f"validation after epoch {number + 1}; choose a lower learning rate than "
                f"{self._recipe.peak_learning_rate:g}."
            )
        if self._recipe.patience is not None and figures["val_loss"] < min(self.history["val_loss"], default=math.inf):
            self._best = self._model.get_weights()
        self.history = {key: [*values, figures[key]] for key, values in self.history.items()}  # all at once, or none
        return figures

    def _fit(self, number: int, follow: keras.callbacks.Callback) -> dict[str, float]:
        fitted = self._model.fit(
            self._batches.epoch(number),
            validation_data=self._validation,
            shuffle=False,  # the batches already are
            verbose=0,
            callbacks=[follow, *([self._average.follow()] if self._average else [])],
        )
        return {key: float(values[0]) for key, values in fitted.history.items()}

    def _patience_is_out(self) -> bool:
        waited = len(self.history["loss"]) - 1 - self.best_epoch
        return self._recipe.patience is not None and waited >= self._recipe.patience

    def _saved(self) -> Checkpoint:
        return Checkpoint(
            run=self._run,
            history=self.history,
            seconds=self.seconds,
            model=[variable.numpy() for variable in self._model.variables],
            optimizer=[variable.numpy() for variable in self._model.optimizer.variables],
            best=self._best,
            average=self._average.values if self._average else [],
        )


def _plain(data: Dataset, recipe: Recipe, shape: tuple[int, ...]) -> tf.data.Dataset:
    """Return `data` in large batches, unchanged and in order, as `Batches` gives it to a model and a loss."""
    import tensorflow as tf

    labels = data.labels if recipe.loss.startswith("sparse") else tf.one_hot(data.labels, 10)
    return tf.data.Dataset.from_tensor_slices((data.pixels(shape), labels)).batch(500)
