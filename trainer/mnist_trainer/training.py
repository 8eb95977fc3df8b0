"""`train`: from an architecture and a data set to a Keras model and the record of how it was made."""

from __future__ import annotations

import dataclasses
import math
import time
from typing import TYPE_CHECKING, Any

from mnist_trainer.dataset import Dataset, Splits, hold_out
from mnist_trainer.evaluation import evaluate

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from mnist_trainer.architecture import Architecture, Recipe

__all__ = ["Training", "train"]

VALIDATION_SHARE = 1 / 12
"""Share of the training images held out to select by: 5,000 of MNIST's 60,000."""


@dataclasses.dataclass(frozen=True, eq=False)
class Training:
    """A trained model and its record: plain values, ready to be written as JSON."""

    model: keras.Model
    record: dict[str, Any]


def train(
    architecture: Architecture, data: Splits, *, seed: int = 0, epochs: int | None = None, show: bool = False
) -> Training:
    """Train `architecture` on the training images of `data`, less a validation split held out of them.

    The same seed gives the same weights on the same machine: every random choice is seeded, and TensorFlow is
    set to deterministic kernels for the rest of the process. The test images are looked at once, at the end.

    Parameters
    ----------
    architecture : Architecture
        What to train, and its recipe.
    data : Splits
        Training and test images.
    seed : int
        Of the weights, the validation split, the order and the augmentation.
    epochs : int, optional
        In place of the recipe's.
    show : bool
        Show progress on stderr.

    Returns
    -------
    Training
        The model, without optimizer state, and what was measured.

    Examples
    --------
    >>> from mnist_trainer.architecture import architecture
    >>> from mnist_trainer.datasets import load_data
    >>> training = train(architecture("linear"), load_data("digits"), epochs=2)
    >>> training.record["train_images"]
    272
    """
    import keras
    import tensorflow as tf

    started = time.perf_counter()
    recipe = architecture.recipe if epochs is None else dataclasses.replace(architecture.recipe, epochs=epochs)
    kept, validation = hold_out(
        data.train, max(10, round(len(data.train) * VALIDATION_SHARE)), seed, ("train", "validation")
    )
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    model = architecture.build()
    steps = max(1, len(kept) // recipe.batch_size)
    model.compile(_optimizer(recipe, steps), loss=recipe.loss, metrics=["accuracy"])
    history = model.fit(
        _batches(kept, recipe, seed),
        epochs=recipe.epochs,
        steps_per_epoch=steps,
        validation_data=_plain(validation),
        shuffle=False,  # the stream is already shuffled
        verbose=0,
        callbacks=[_progress(recipe.epochs, steps)] if show else [],
    ).history
    bare = architecture.build()  # without the optimizer, whose state is twice the weights
    bare.set_weights(model.get_weights())
    record = {
        "architecture": architecture.name,
        "parameters": bare.count_params(),
        "pixel_range": "0..1",
        "dataset": data.train.name,
        "train_images": len(kept),
        "validation_images": len(validation),
        "test_images": len(data.test),
        "validation_accuracy": evaluate(bare, validation).accuracy,
        "test_accuracy": evaluate(bare, data.test).accuracy,
        "seed": seed,
        "recipe": dataclasses.asdict(recipe),
        "history": {key: [round(float(value), 6) for value in values] for key, values in history.items()},
        "seconds": round(time.perf_counter() - started, 1),
        "tools": {"keras": keras.__version__, "tensorflow": tf.__version__},
    }
    return Training(bare, record)


def _optimizer(recipe: Recipe, steps: int) -> keras.Optimizer:
    import keras

    warmup = math.ceil(recipe.epochs * steps * 0.25)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.peak_learning_rate / 25,
        decay_steps=max(1, recipe.epochs * steps - warmup),
        warmup_target=recipe.peak_learning_rate,
        warmup_steps=warmup,
    )
    return keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)


def _plain(data: Dataset) -> tf.data.Dataset:
    import tensorflow as tf

    images = data.images[..., None].astype("float32") / 255
    return tf.data.Dataset.from_tensor_slices((images, tf.one_hot(data.labels, 10))).batch(500)


def _batches(data: Dataset, recipe: Recipe, seed: int) -> tf.data.Dataset:
    """Return an endless stream of shuffled batches; a batch's augmentation depends on `seed` and its number alone."""
    import tensorflow as tf

    size = min(recipe.batch_size, len(data))
    pairs = tf.data.Dataset.from_tensor_slices((data.images[..., None], data.labels))
    pairs = pairs.shuffle(len(data), seed=seed).repeat().batch(size, drop_remainder=True)

    def prepare(number: tf.Tensor, batch: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        images = tf.cast(batch[0], tf.float32) / 255
        if recipe.augmentation is not None:
            images = recipe.augmentation(images, tf.stack([tf.constant(seed, tf.int64), number]))
        return images, tf.one_hot(batch[1], 10)

    numbered = tf.data.Dataset.zip(tf.data.Dataset.counter(), pairs)
    return numbered.map(prepare, num_parallel_calls=2, deterministic=True).prefetch(4)


def _progress(epochs: int, steps: int) -> keras.callbacks.Callback:
    """Return a callback that shows a bar for the epoch at work and leaves a line for each that is done."""
    import keras
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    class Lines(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
        def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self.task = self.bar.add_task("training", total=epochs * steps)
            self.bar.start()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
            self.bar.advance(self.task)

        def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
            self.bar.console.print(
                f"epoch {epoch + 1:3d}/{epochs}  loss {logs['loss']:.4f}  accuracy {logs['accuracy']:.4f}  "
                f"validation accuracy {logs['val_accuracy']:.4f}",
                highlight=False,
            )

        def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002
            self.bar.stop()

    return Lines()
