"""`PenImages`: draw a fixed set of pen digits and signs, and insert them into training batches."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from mnist_trainer.augmentation.pen.draw import draw_digits, draw_signs

__all__ = ["STOCK", "PenImages"]

STOCK = 16_000
"""Number of different pen digits. One epoch of MNIST with 10 % pen digits uses 5,500 of them, randomly changed."""


class PenImages:
    """Pen digits and signs that are drawn once and inserted into batches.

    Parameters
    ----------
    seed : int
        Seed of the pen.
    fraction : float
        Fraction of each batch that becomes pen digits.
    confidence : float
        Target probability of the drawn digit; the other digits share the rest. Below 1, because some drawings are
        ambiguous.
    signs : float
        Fraction of each batch that becomes letters and signs. Their target is the same for all digits.
    stock : int
        Number of different digits. There are a quarter as many different signs.

    Examples
    --------
    >>> import numpy as np
    >>> pen = PenImages(0, fraction=0.25, confidence=0.91, signs=0.25, stock=40)
    >>> images, targets = np.zeros((8, 28, 28, 1), np.float32), np.eye(10, dtype=np.float32)[:8]
    >>> images, changed = pen.insert(images, [1, 2])
    >>> sorted(np.asarray(pen.targets(targets, changed)).max(axis=1).astype(float).round(2).tolist())
    [0.1, 0.1, 0.91, 0.91, 1.0, 1.0, 1.0, 1.0]
    """

    def __init__(self, seed: int, *, fraction: float, confidence: float, signs: float, stock: int = STOCK) -> None:
        self.fraction, self.signs = fraction, signs
        digits, labels = draw_digits(stock if fraction else 1, seed)
        drawn = draw_signs(max(1, stock // 4) if signs else 1, seed)
        self._digits, self._signs = tf.constant(digits), tf.constant(drawn)
        rest = (1 - confidence) / 9
        self._targets = tf.one_hot(labels, 10, on_value=confidence, off_value=rest)

    def insert(self, images: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
        """Replace images of a batch by pen digits and signs, at evenly spaced rows with a random start.

        The even spacing matters for later steps that change only a part of the batch, such as corruptions. They then
        affect the same fraction of pen digits and of other images.

        Parameters
        ----------
        images : tensor, float32 (n, 28, 28, 1), 0..1
            A batch in random order.
        seed : tensor, int (2,)
            Seed of the random numbers.

        Returns
        -------
        images : tensor, float32 (n, 28, 28, 1)
            The changed batch.
        changed : tuple of tensors
            Indices of the replaced rows, and their new targets: the argument of `targets`.
        """
        images = tf.convert_to_tensor(images)
        count, seeds = images.shape[0], tf.random.split(seed, 3)
        drawn, signs = round(count * self.fraction), round(count * self.signs)
        rows = (
            _grid(count, drawn, signs) + tf.random.stateless_uniform((), seeds[2], 0, count, dtype=tf.int32)
        ) % count
        chosen = [
            tf.random.stateless_uniform((number,), one, 0, len(stock), dtype=tf.int32)
            for number, one, stock in ((drawn, seeds[0], self._digits), (signs, seeds[1], self._signs))
        ]
        made = tf.concat([tf.gather(self._digits, chosen[0]), tf.gather(self._signs, chosen[1])], axis=0)
        targets = tf.concat([tf.gather(self._targets, chosen[0]), tf.fill((signs, 10), 0.1)], axis=0)
        made = tf.cast(made, tf.float32)[..., None] / 255
        return tf.tensor_scatter_nd_update(images, rows[:, None], made), (rows[:, None], targets)

    def targets(self, targets: tf.Tensor, changed: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        """Return `targets`, float32 (n, 10), with the new targets of the replaced rows."""
        return tf.tensor_scatter_nd_update(tf.convert_to_tensor(targets), *changed)


def _grid(count: int, drawn: int, signs: int) -> npt.NDArray[np.int32]:
    """Return evenly spaced row indices: first `drawn` for digits, then `signs` for signs, which lie between these."""
    rows = np.arange(drawn + signs) * count // max(1, drawn + signs)
    is_sign = np.zeros(len(rows), bool)
    is_sign[np.arange(signs) * len(rows) // max(1, signs)] = True
    grid: npt.NDArray[np.int32] = np.concatenate([rows[~is_sign], rows[is_sign]]).astype(np.int32)
    return grid
