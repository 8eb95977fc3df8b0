"""`Batches`: the training images in a new order every epoch, changed at random, as seed and epoch say."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

    from mnist_trainer.architecture import Recipe
    from mnist_trainer.dataset import Dataset

__all__ = ["Batches"]


class Batches:
    """The batches of each epoch.

    Nothing is carried from one epoch to the next, so that a run can go on at any of them: the order depends on `seed`
    and the epoch alone, the augmentation of a batch on `seed` and its number. Images that do not fill a last batch
    are left out; another epoch has others.

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
    """

    def __init__(self, data: Dataset, recipe: Recipe, shape: tuple[int, ...], seed: int) -> None:
        import tensorflow as tf

        self._images, self._labels = tf.constant(data.images[..., None]), tf.constant(data.labels)
        self._augmentation, self._shape, self._seed = recipe.augmentation, shape, seed
        self._sparse = recipe.loss.startswith("sparse")
        self.size = min(recipe.batch_size, len(data))
        self.steps = len(data) // self.size
        self._prepare = tf.function(self._prepared, autograph=False)  # traced once, not once an epoch

    def epoch(self, number: int) -> tf.data.Dataset:
        """Return the batches of epoch `number`, counted from 0: float images 0..1 and labels, as model and loss want.

        Examples
        --------
        >>> from mnist_trainer.architecture import architecture
        >>> from mnist_trainer.datasets import load_data
        >>> batches = Batches(load_data("digits").train, architecture("dense-100").recipe, (784,), seed=0)
        >>> [(tuple(images.shape), tuple(labels.shape)) for images, labels in batches.epoch(0)][-1]
        ((32, 784), (32,))
        >>> batches.steps
        9
        """
        import tensorflow as tf

        # Orders count downwards and batches upwards, so that no two draws share a seed.
        drawn = tf.random.stateless_uniform(
            (len(self._labels),), [self._seed, -1 - number], minval=None, maxval=None, dtype=tf.int32
        )
        order = tf.argsort(drawn, stable=True)[: self.steps * self.size]
        numbers = tf.range(number * self.steps, (number + 1) * self.steps, dtype=tf.int64)
        rows = tf.data.Dataset.from_tensor_slices((tf.reshape(order, (self.steps, self.size)), numbers))
        return rows.map(self._prepare, num_parallel_calls=2, deterministic=True).prefetch(4)

    def _prepared(self, rows: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        import tensorflow as tf

        images = tf.cast(tf.gather(self._images, rows), tf.float32) / 255
        if self._augmentation is not None:
            images = self._augmentation(images, tf.stack([tf.constant(self._seed, tf.int64), number]))
        labels = tf.gather(self._labels, rows)
        return tf.reshape(images, (self.size, *self._shape)), labels if self._sparse else tf.one_hot(labels, 10)
