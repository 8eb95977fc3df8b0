"""`open_strategy`: how a training is spread over devices or machines; the engine is `tf.distribute`."""

from __future__ import annotations

import json
import os
import pkgutil
from typing import TYPE_CHECKING, Any

from mnist_runtime.errors import first_line
from mnist_runtime.system.stderr import quiet_stderr
from mnist_trainer.errors import UsageError

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from mnist_trainer.training.batches import Batches

__all__ = ["STRATEGIES", "DistributedEpochs", "is_chief", "open_strategy"]


STRATEGIES: dict[str, str] = {
    "mirrored": "tensorflow:distribute.MirroredStrategy",
    "multi-worker": "tensorflow:distribute.MultiWorkerMirroredStrategy",
}
"""Name -> ``"module:attribute"``: all devices of this machine; those of all machines that ``TF_CONFIG`` names."""


def open_strategy(name: str) -> tf.distribute.Strategy:
    """Return the strategy called `name`; of several machines once all of them are there.

    It has to be opened before TensorFlow does anything else.

    Raises
    ------
    UsageError
        If there is no such strategy, or ``TF_CONFIG`` does not say which machines take part and which of them this is.
    """
    if name not in STRATEGIES:
        raise UsageError(f"Expected a strategy ({', '.join(STRATEGIES)}), received {name!r}.")
    if name == "multi-worker":
        _check_cluster(os.environ.get("TF_CONFIG", ""))
    import tensorflow as tf

    with quiet_stderr():
        try:
            strategy: tf.distribute.Strategy = pkgutil.resolve_name(STRATEGIES[name])()
        except (RuntimeError, ValueError, tf.errors.OpError) as error:
            reason = first_line(error)
            raise UsageError(
                f"Expected machines that reach each other at the addresses in TF_CONFIG, {name} did not start "
                f"({reason}); check the addresses, and that no port is taken."
            ) from error
    return strategy


def is_chief(strategy: tf.distribute.Strategy | None) -> bool:
    """Say whether this machine is the one that writes what all have made: worker 0, or the only one."""
    resolver = strategy.cluster_resolver if strategy else None
    return resolver is None or not resolver.task_id


def _check_cluster(text: str) -> None:
    """Tell what is wrong with ``TF_CONFIG``."""
    example = '{"cluster": {"worker": ["10.0.0.1:5000", "10.0.0.2:5000"]}, "task": {"type": "worker", "index": 0}}'
    try:
        facts = json.loads(text)
        workers, task = facts["cluster"]["worker"], facts["task"]
        found = task["type"] == "worker" and 0 <= int(task["index"]) < len(workers)
    except (ValueError, KeyError, TypeError):
        found = False
    if not found:
        raise UsageError(
            "Expected the environment variable TF_CONFIG to name all workers and which one this is, such as "
            f"{example}, received {text!r}."
        )


class DistributedEpochs:
    """What `keras.Model.fit` does for one device, for all devices of a strategy.

    Keras 3.15's own `fit` fails under a strategy of several machines (it reduces scalars along an axis), hence this
    loop, the one that TensorFlow's guide to custom training shows. Each device computes the gradients of its share of a
    batch, these are summed over all devices, and every device makes the same step: but for layers that look at a batch
    as a whole, the weights are those of one device that takes all.

    Parameters
    ----------
    strategy : tf.distribute.Strategy
        In whose scope the model and its optimiser were made.
    model : keras.Model
        Compiled.
    loss : str
        Of Keras, by name.
    """

    def __init__(self, strategy: tf.distribute.Strategy, model: keras.Model, loss: str) -> None:
        import keras
        import tensorflow as tf

        self._strategy, self._model = strategy, model
        self._losses: Any = keras.losses.get(loss)
        self._epoch = tf.function(self._traced_epoch, reduce_retracing=True)
        self._judge = tf.function(self._traced_judgement, reduce_retracing=True)

    def train(self, batches: Batches, number: int) -> dict[str, float]:
        """Train epoch `number`; return mean loss and share of right answers over its images."""
        shared = self._strategy.experimental_distribute_dataset(batches.epoch(number))
        loss, right = self._epoch(shared, batches.size)
        images = batches.steps * batches.size
        return {"loss": float(loss) / batches.steps, "accuracy": float(right) / images}

    def validate(self, validation: tf.data.Dataset) -> dict[str, float]:
        """Ask about all of `validation`; every machine asks for itself, since all have the same weights."""
        sums = [self._judge(images, labels) for images, labels in validation]
        loss, right, count = (sum(float(values[place]) for values in sums) for place in range(3))
        return {"val_loss": loss / count, "val_accuracy": right / count}

    def _traced_epoch(self, batches: Any, size: int) -> tuple[tf.Tensor, tf.Tensor]:
        import tensorflow as tf

        def step(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            with tf.GradientTape() as tape:
                scores = self._model(images, training=True)
                loss = tf.reduce_sum(self._losses(labels, scores)) / size
            weights = self._model.trainable_variables
            self._model.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
            return loss, _right(labels, scores)

        loss = right = tf.zeros(())
        for batch in batches:
            found = self._strategy.run(step, args=batch)
            loss += self._strategy.reduce("SUM", found[0], axis=None)
            right += self._strategy.reduce("SUM", found[1], axis=None)
        return loss, right

    def _traced_judgement(self, images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        import tensorflow as tf

        scores = self._model(images, training=False)
        count = tf.cast(tf.shape(scores)[0], tf.float32)
        return tf.reduce_sum(self._losses(labels, scores)), _right(labels, scores), count


def _right(labels: tf.Tensor, scores: tf.Tensor) -> tf.Tensor:
    """Count the right answers; labels are digits, or one-hot."""
    import tensorflow as tf

    digits = tf.argmax(labels, axis=1) if len(labels.shape) == 2 else tf.cast(labels, tf.int64)
    return tf.reduce_sum(tf.cast(tf.argmax(scores, axis=1) == digits, tf.float32))
