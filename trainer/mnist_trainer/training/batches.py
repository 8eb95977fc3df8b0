"""`Batches`: the training images of each epoch, in random order and with random changes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from functools import partial

import tensorflow as tf

from mnist_runtime.artifact.task import DIGITS
from mnist_trainer.augmentation.affine import random_affine
from mnist_trainer.augmentation.corruptions import corrupt
from mnist_trainer.augmentation.light import random_light
from mnist_trainer.augmentation.non_digits import insert_non_digits
from mnist_trainer.augmentation.pen.insert import STOCK, PenImages
from mnist_trainer.data.dataset import Dataset
from mnist_trainer.errors import UsageError
from mnist_trainer.recipes.recipe import Recipe

__all__ = ["Batches"]

Teacher = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]

FINAL_FRACTION = 1 / 3
"""Fraction of the corrupted images and non-digits that remains in the final epochs."""


class Batches:
    """The training batches of each epoch.

    An epoch depends only on the seed and its number, so that training can resume at any epoch. The seed and the number
    of the epoch set the order of the images; the seed and the number of the batch set the random changes. If the last
    batch is not full, its images are left out; they are other images in each epoch.

    If the recipe sets `cached_epochs`, the changed images of these epochs are kept as bytes. Later epochs show them
    again in another order.

    Images with the preparation ``plain`` have no black background. So their brightness and contrast are changed too,
    and an augmentation fills the area outside of the image with the nearest pixels.

    Parameters
    ----------
    data : Dataset
        Training images.
    recipe : Recipe
        Batch size, loss and random changes.
    shape : tuple of int
        Shape of one image as the model takes it, such as ``(28, 28)``, ``(28, 28, 1)`` or ``(784,)``.
    seed : int
        Seed of all random choices.
    teacher : callable, optional
        Function of images, float32 (n, h, w, c), one-hot targets, float32 (n, k), and the numbers of the images in
        `data`, (n,), to softened targets.
    """

    def __init__(
        self, data: Dataset, recipe: Recipe, shape: tuple[int, ...], seed: int, *, teacher: Teacher | None = None
    ) -> None:
        images = data.images.reshape(-1, *data.task.tensor_shape)
        self._images, self._labels, self._task = tf.constant(images), tf.constant(data.labels), data.task
        self._recipe, self._shape, self._seed, self._teacher = recipe, shape, seed, teacher
        self._pen: PenImages | None = None
        if recipe.pen:
            if data.task != DIGITS:
                raise UsageError("The pen writes the ten digits in 28x28 pixels only. Leave pen out for other images.")
            shown = math.ceil(recipe.epochs * len(data) * (recipe.pen.fraction + recipe.pen.signs))
            self._pen = PenImages(seed, **asdict(recipe.pen), stock=min(STOCK, len(data), shown))
        self._cache: dict[int, tuple[tf.Tensor, tf.Tensor]] = {}
        self._first_final_epoch = recipe.epochs - recipe.final_epochs if recipe.final_epochs else math.inf
        self.size = min(recipe.batch_size, len(data))
        self.steps = len(data) // self.size
        self._prepare = {  # so that TensorFlow traces each once, not once per epoch
            is_final: tf.function(partial(self._prepared, is_final), autograph=False) for is_final in (False, True)
        }

    def epoch(self, number: int) -> tf.data.Dataset:
        """Return the batches of epoch `number`, counted from 0.

        Returns
        -------
        tf.data.Dataset
            Pairs of images, float32 (size, `shape`) in 0..1, and labels: one-hot, float32 (size, k), or numbers of
            classes, (size,), as the loss takes them.

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
        cached_epochs = self._recipe.cached_epochs
        if cached_epochs is None:
            return self._new_images(number)
        images, targets = self._cached(self._shown_again(number, cached_epochs))

        def select(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return tf.cast(tf.gather(images, rows), tf.float32) / 255, tf.gather(targets, rows)

        rows = self._order(cached_epochs + number, len(images))
        return _without_autotuning(tf.data.Dataset.from_tensor_slices(rows).map(select).prefetch(4))

    def _cached(self, number: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Return all images, uint8, and targets, float32, of epoch `number`; make them at the first call."""
        if number not in self._cache:
            batches = [
                (tf.cast(tf.round(images * 255), tf.uint8), targets) for images, targets in self._new_images(number)
            ]
            images, targets = (tf.concat(parts, axis=0) for parts in zip(*batches, strict=True))
            if number == self._first_final_epoch:  # the final epochs do not use earlier images
                self._cache.clear()
            self._cache[number] = images, targets
        return self._cache[number]

    def _shown_again(self, number: int, cached_epochs: int) -> int:
        """Return the number of the epoch whose images are shown again in epoch `number`."""
        first = int(self._first_final_epoch) if number >= self._first_final_epoch else 0
        return first + (number - first) % cached_epochs

    def _new_images(self, number: int) -> tf.data.Dataset:
        """Return the batches of epoch `number` with newly changed images."""
        numbers = tf.range(number * self.steps, (number + 1) * self.steps, dtype=tf.int64)
        rows = tf.data.Dataset.from_tensor_slices((self._order(number, len(self._labels)), numbers))
        prepare = self._prepare[number >= self._first_final_epoch]
        return _without_autotuning(rows.map(prepare, num_parallel_calls=2, deterministic=True).prefetch(4))

    def _order(self, number: int, count: int) -> tf.Tensor:
        """Return the rows of `count` images that form each batch, int32 (steps, size)."""
        # Orders count downwards from -1 and batches upwards from 0, so that no seed is used twice.
        drawn = tf.random.stateless_uniform(
            (count,), [self._seed, -1 - number], minval=None, maxval=None, dtype=tf.int32
        )
        return tf.reshape(tf.argsort(drawn, stable=True)[: self.steps * self.size], (self.steps, self.size))

    def _prepared(self, is_final: bool, rows: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the changed images and the targets of batch `number`, which has the images in `rows`."""
        recipe = self._recipe
        images = tf.cast(tf.gather(self._images, rows), tf.float32) / 255
        labels = tf.gather(self._labels, rows)
        targets = tf.one_hot(tf.cast(labels, tf.int32), len(self._task.labels)) if recipe.takes_one_hot else labels
        seed = tf.stack([tf.constant(self._seed, tf.int64), number])
        drawn = None
        if self._pen is not None:
            images, drawn = self._pen.insert(images, tf.random.fold_in(seed, 3))
        if recipe.augmentation is not None:
            fill_mode = "nearest" if self._task.preparation == "plain" else "constant"
            images = random_affine(images, seed, **asdict(recipe.augmentation), fill_mode=fill_mode)
            if self._task.preparation == "plain":
                images = random_light(images, tf.random.fold_in(seed, 4))
        if self._teacher is not None:  # before the corruptions, which the teacher may misread
            targets = self._teacher(images, targets, rows)
        if self._pen is not None and drawn is not None:  # the teacher may misread these
            targets = self._pen.targets(targets, drawn)
        remaining = FINAL_FRACTION if is_final else 1.0
        if recipe.corruptions is not None:
            fraction = remaining * recipe.corruptions.fraction
            kinds = recipe.corruptions.kinds
            images = corrupt(images, tf.random.fold_in(seed, 1), fraction=fraction, kinds=kinds)
        if recipe.non_digits is not None:
            fraction = remaining * recipe.non_digits.fraction
            images, targets = insert_non_digits(images, targets, tf.random.fold_in(seed, 2), fraction=fraction)
        return tf.reshape(images, (self.size, *self._shape)), targets


def _without_autotuning(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Return `batches` without the autotuning thread of tf.data.

    There is nothing to tune. At its end, each `fit` waits for that thread, which checks after 10, 20, 40, ... ms
    whether it must stop; an epoch can then take twice the time.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)
