"""Soft targets from a teacher model, for distillation.

Source: G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network", 2015.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from mnist_trainer.model_io.load import load_model
from mnist_trainer.recipes.distillation import Distillation

__all__ = ["load_teacher"]


def load_teacher(distillation: Distillation) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Load the teacher model that `distillation` names.

    Returns
    -------
    callable
        A function of images, float (n, 28, 28, 1) in 0..1, and one-hot targets, float (n, 10). It returns targets
        between these and the teacher's softened answers; where the teacher is wrong, the target is unchanged.

    Raises
    ------
    ModelError, UsageError
        If there is no such model, or it does not take 28x28 pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from mnist_trainer.data.load import load_data
    >>> digits = load_data("digits").train
    >>> images, labels = digits.images[:9, ..., None] / np.float32(255), np.eye(10, dtype=np.float32)
    >>> teach = load_teacher(Distillation(teacher="cnn", fraction=0.5, temperature=4.0))
    >>> targets = np.asarray(teach(images, labels[digits.labels[:9]]))
    >>> 0.5 < targets.max(axis=1).min() < 1
    True
    """
    teacher = load_model(distillation.teacher)
    shape = (-1, *teacher.input_shape[1:])

    def teach(images: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        shares = teacher(tf.reshape(images, shape), training=False) ** (1.0 / distillation.temperature)
        answers = shares / tf.reduce_sum(shares, axis=1, keepdims=True)
        right = tf.equal(tf.argmax(answers, axis=1), tf.argmax(targets, axis=1))[:, None]
        return tf.where(right, distillation.fraction * answers + (1.0 - distillation.fraction) * targets, targets)

    return teach
