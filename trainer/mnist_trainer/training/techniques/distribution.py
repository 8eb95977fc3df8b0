"""Training on several devices or machines, with `tf.distribute`."""

from __future__ import annotations

import json
import os
import pkgutil
import warnings
from typing import Any

import keras
import tensorflow as tf

from mnist_runtime.errors import first_line
from mnist_runtime.system.process import quiet_stderr
from mnist_trainer.errors import UsageError
from mnist_trainer.recipes.choices import STRATEGIES
from mnist_trainer.training.batches import Batches

__all__ = ["DistributedEpochs", "is_chief", "open_strategy"]

EXAMPLE = '{"cluster": {"worker": ["10.0.0.1:5000", "10.0.0.2:5000"]}, "task": {"type": "worker", "index": 0}}'
"""A valid ``TF_CONFIG``."""


def open_strategy(name: str) -> tf.distribute.Strategy:
    """Open the strategy called `name`. A strategy for several machines waits until all of them are connected.

    Call this before TensorFlow does anything else.

    Raises
    ------
    UsageError
        If there is no such strategy, if ``TF_CONFIG`` does not describe the workers, or if they cannot connect.
    """
    if name not in STRATEGIES:
        raise UsageError(f"There is no strategy {name!r}. Choose one of: {', '.join(STRATEGIES)}.")
    if name == "multi-worker":
        _check_cluster(os.environ.get("TF_CONFIG", ""))
    with quiet_stderr():
        try:
            strategy: tf.distribute.Strategy = pkgutil.resolve_name(STRATEGIES[name])()
        except (RuntimeError, ValueError, tf.errors.OpError) as error:
            raise UsageError(
                f"The strategy {name} did not start ({first_line(error)}). Check that the machines reach each other at "
                "the addresses in TF_CONFIG and that the ports are free."
            ) from error
    return strategy


def is_chief(strategy: tf.distribute.Strategy | None) -> bool:
    """Whether this machine writes the files: worker 0, or the only machine."""
    resolver = strategy.cluster_resolver if strategy else None
    return resolver is None or not resolver.task_id


def _check_cluster(text: str) -> None:
    """Raise `UsageError` if `text`, the value of ``TF_CONFIG``, does not describe the workers."""
    try:
        facts = json.loads(text)
        workers, task = facts["cluster"]["worker"], facts["task"]
        is_complete = task["type"] == "worker" and 0 <= int(task["index"]) < len(workers)
    except (ValueError, KeyError, TypeError):
        is_complete = False
    if not is_complete:
        raise UsageError(
            "The environment variable TF_CONFIG must list all workers and the index of this one. It is "
            f"{text!r}. Set it like this: {EXAMPLE}."
        )


class DistributedEpochs:
    """The training loop for a model on several devices.

    It replaces `fit`, which fails in Keras 3.15 with a strategy for several machines, because it reduces scalars along
    an axis. The loop follows TensorFlow's guide to custom training. Each device computes the gradients for its part of
    a batch. They are summed over all devices, and every device makes the same step. The resulting weights are the same
    as on one device, except with layers that compute over a whole batch, such as batch normalization.

    Parameters
    ----------
    strategy : tf.distribute.Strategy
        Strategy in whose scope the model and its optimizer were made.
    model : keras.Model
        A compiled model.
    loss : str
        Name of a Keras loss.
    """

    def __init__(self, strategy: tf.distribute.Strategy, model: keras.Model, loss: str) -> None:
        self._strategy, self._model = strategy, model
        self._losses: Any = keras.losses.get(loss)
        self._train_epoch = tf.function(self._traced_epoch, reduce_retracing=True)
        self._evaluate = tf.function(self._traced_evaluation, reduce_retracing=True)

    def train(self, batches: Batches, number: int) -> dict[str, float]:
        """Train epoch `number`, and return its mean loss and accuracy."""
        distributed = self._strategy.experimental_distribute_dataset(batches.epoch(number))
        with warnings.catch_warnings():  # TensorFlow warns here of options that it handles correctly
            warnings.filterwarnings("ignore", "To make it possible to preserve tf.data options")
            loss, right = self._train_epoch(distributed, batches.size)
        images = batches.steps * batches.size
        return {"loss": float(loss) / batches.steps, "accuracy": float(right) / images}

    def validate(self, validation: tf.data.Dataset) -> dict[str, float]:
        """Return loss and accuracy on `validation`. Every machine computes them alone: all have the same weights."""
        sums = [self._evaluate(images, labels) for images, labels in validation]
        loss, right, count = (sum(float(values[place]) for values in sums) for place in range(3))
        return {"val_loss": loss / count, "val_accuracy": right / count}

    def _traced_epoch(self, batches: Any, size: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the sum over all batches of the mean loss, and the number of right answers."""

        def step(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            with tf.GradientTape() as tape:
                scores = self._model(images, training=True)
                loss = tf.reduce_sum(self._losses(labels, scores)) / size
            weights = self._model.trainable_variables
            self._model.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
            return loss, _count_right(labels, scores)

        loss = right = tf.zeros(())
        for batch in batches:
            found = self._strategy.run(step, args=batch)
            loss += self._strategy.reduce("SUM", found[0], axis=None)
            right += self._strategy.reduce("SUM", found[1], axis=None)
        return loss, right

    def _traced_evaluation(self, images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return the summed loss, the number of right answers and the number of images."""
        scores = self._model(images, training=False)
        count = tf.cast(tf.shape(scores)[0], tf.float32)
        return tf.reduce_sum(self._losses(labels, scores)), _count_right(labels, scores), count


def _count_right(labels: tf.Tensor, scores: tf.Tensor) -> tf.Tensor:
    """Count the right answers. Labels are one-hot or class numbers."""
    digits = tf.argmax(labels, axis=1) if len(labels.shape) == 2 else tf.cast(labels, tf.int64)
    return tf.reduce_sum(tf.cast(tf.argmax(scores, axis=1) == digits, tf.float32))
