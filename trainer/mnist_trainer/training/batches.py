"""`Batches`: the training images in a new order every epoch, changed at random, as seed and epoch say."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

    from mnist_trainer.data.dataset import Dataset
    from mnist_trainer.recipes.recipe import Recipe

__all__ = ["Batches"]

Teach = Callable[["tf.Tensor", "tf.Tensor"], "tf.Tensor"]

FINISH = 1 / 3
"""Part of the corruptions and non-digits that is left in the epochs that finish a training."""


class Batches:
    """The batches of each epoch.

    No choice is carried from one epoch to the next, so that a run can go on at any of them: the order depends on `seed`
    and the epoch alone, the augmentation of a batch on `seed` and its number. Images that do not fill a last batch
    are left out; another epoch has others. Where the recipe limits the copies, or a teacher answers, what an epoch's
    images became is kept, as bytes, for the later epochs that show it again in another order.

    Parameters
    ----------
    data : Dataset
        The images.
    recipe : Recipe
        Batch size, augmentation, and the loss, which says how it wants the labels.
    shape : tuple of int
        What the model takes: ``(28, 28)``, ``(28, 28, 1)`` or ``(784,)``.
    seed : int
        Of all choices.
    teach : callable, optional
        Turns images and one-hot targets into targets that a teacher has softened.
    """

    def __init__(
        self, data: Dataset, recipe: Recipe, shape: tuple[int, ...], seed: int, *, teach: Teach | None = None
    ) -> None:
        import tensorflow as tf

        self._images, self._labels = tf.constant(data.images[..., None]), tf.constant(data.labels)
        self._recipe, self._shape, self._seed = recipe, shape, seed
        self._copies: dict[int, tuple[tf.Tensor, tf.Tensor]] = {}
        self._finish = recipe.epochs - recipe.final_epochs if recipe.final_epochs else math.inf
        self._sparse = recipe.loss.startswith("sparse")
        self.size = min(recipe.batch_size, len(data))
        self.steps = len(data) // self.size
        self._taught = teach
        self._prepare = {  # traced once, not once an epoch
            finishing: tf.function(partial(self._prepared, finishing), autograph=False) for finishing in (False, True)
        }

    def epoch(self, number: int) -> tf.data.Dataset:
        """Return the batches of epoch `number`, counted from 0: float images 0..1 and labels, as model and loss want.

        Examples
        --------
        >>> from mnist_trainer.architectures.registry import architecture
        >>> from mnist_trainer.data.load import load_data
        >>> batches = Batches(load_data("digits").train, architecture("dense-100").recipe, (784,), seed=0)
        >>> [(tuple(images.shape), tuple(labels.shape)) for images, labels in batches.epoch(0)][-1]
        ((32, 784), (32,))
        >>> batches.steps
        9
        """
        if self._recipe.cached_epochs is None:
            return self._changed(number)
        import tensorflow as tf

        images, targets = self._copy(self._first_like(number, self._recipe.cached_epochs))

        def gathered(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return tf.cast(tf.gather(images, rows), tf.float32) / 255, tf.gather(targets, rows)

        rows = self._order(self._recipe.cached_epochs + number, len(images))
        return _untuned(tf.data.Dataset.from_tensor_slices(rows).map(gathered).prefetch(4))

    def _copy(self, number: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Return all images and targets of epoch `number`, uint8 and float32, as they were the first time."""
        import tensorflow as tf

        if number not in self._copies:
            batches = [
                (tf.cast(tf.round(images * 255), tf.uint8), targets) for images, targets in self._changed(number)
            ]
            images, targets = (tf.concat(parts, axis=0) for parts in zip(*batches, strict=True))
            if number == self._finish:  # what was shown till now is not shown again
                self._copies.clear()
            self._copies[number] = images, targets
        return self._copies[number]

    def _first_like(self, number: int, copies: int) -> int:
        """Return the epoch whose images epoch `number` shows again."""
        first = int(self._finish) if number >= self._finish else 0
        return first + (number - first) % copies

    def _changed(self, number: int) -> tf.data.Dataset:
        import tensorflow as tf

        numbers = tf.range(number * self.steps, (number + 1) * self.steps, dtype=tf.int64)
        rows = tf.data.Dataset.from_tensor_slices((self._order(number, len(self._labels)), numbers))
        prepare = self._prepare[number >= self._finish]
        return _untuned(rows.map(prepare, num_parallel_calls=2, deterministic=True).prefetch(4))

    def _order(self, number: int, count: int) -> tf.Tensor:
        """Return which of `count` images make each batch, int (steps, size)."""
        import tensorflow as tf

        # Orders count downwards and batches upwards, so that no two draws share a seed.
        drawn = tf.random.stateless_uniform(
            (count,), [self._seed, -1 - number], minval=None, maxval=None, dtype=tf.int32
        )
        return tf.reshape(tf.argsort(drawn, stable=True)[: self.steps * self.size], (self.steps, self.size))

    def _prepared(self, finishing: bool, rows: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        import tensorflow as tf

        images = tf.cast(tf.gather(self._images, rows), tf.float32) / 255
        labels = tf.gather(self._labels, rows)
        targets = labels if self._sparse else tf.one_hot(labels, 10)
        seed = tf.stack([tf.constant(self._seed, tf.int64), number])
        recipe = self._recipe
        if recipe.augmentation is not None:
            images = recipe.augmentation(images, seed)
        if self._taught is not None:  # of pictures that are not yet spoilt, which a teacher may not know
            targets = self._taught(images, targets)
        part = FINISH if finishing else 1.0
        if recipe.corruptions is not None:
            corruptions = replace(recipe.corruptions, fraction=part * recipe.corruptions.fraction)
            images = corruptions(images, tf.random.fold_in(seed, 1))
        if recipe.non_digits is not None:
            non_digits = replace(recipe.non_digits, fraction=part * recipe.non_digits.fraction)
            images, targets = non_digits(images, targets, tf.random.fold_in(seed, 2))
        return tf.reshape(images, (self.size, *self._shape)), targets


def _untuned(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Return `batches` without the thread that tunes tf.data.

    There is nothing to tune, and the end of each `fit` waits for that thread, which looks after 10, 20, 40 ... ms
    whether it is to stop: an epoch can take twice its time.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)
