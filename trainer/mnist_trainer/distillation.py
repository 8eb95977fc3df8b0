"""`Distillation`: what is taken over from a larger model that is already trained.

The teacher is heard where its answer is the label: on pictures unlike those that it knows it does no harm.

Source: G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network", 2015.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["Distillation"]


@dataclass(frozen=True)
class Distillation:
    """Whose answers are learned, and how much they count beside the labels.

    Parameters
    ----------
    teacher : str
        What `mnist_trainer.model_file.load_model` takes: the name of a ready model or the path of a file.
    share : float
        0..1, of the answers, where they are right; the rest is the label.
    temperature : float
        At least 1: the answers' shares are raised to its inverse and so made more alike, which shows what a digit is
        nearly. The student's scores become as flat; `mnist_trainer.training.train` sharpens them at the end.
    """

    teacher: str
    share: float
    temperature: float

    def open(self) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
        """Load the teacher.

        Returns
        -------
        callable
            Takes images, float (n, 28, 28, 1), 0..1, and one-hot targets, float (n, 10); returns targets between those
            and the teacher's.

        Raises
        ------
        ModelError, UsageError
            If there is no such model, or it takes anything but 28x28 pixels.

        Examples
        --------
        >>> import numpy as np
        >>> from mnist_trainer.datasets import load_data
        >>> digits = load_data("digits").train
        >>> images, labels = digits.images[:9, ..., None] / np.float32(255), np.eye(10, dtype=np.float32)
        >>> taught = Distillation(teacher="cnn", share=0.5, temperature=4.0).open()
        >>> targets = np.asarray(taught(images, labels[digits.labels[:9]]))
        >>> 0.5 < targets.max(axis=1).min() < 1
        True
        """
        import tensorflow as tf

        from mnist_trainer.model_file import load_model

        teacher = load_model(self.teacher)
        shape = (-1, *teacher.input_shape[1:])

        def taught(images: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
            shares = teacher(tf.reshape(images, shape), training=False) ** (1.0 / self.temperature)
            answers = shares / tf.reduce_sum(shares, axis=1, keepdims=True)
            right = tf.equal(tf.argmax(answers, axis=1), tf.argmax(targets, axis=1))[:, None]
            return tf.where(right, self.share * answers + (1.0 - self.share) * targets, targets)

        return taught
