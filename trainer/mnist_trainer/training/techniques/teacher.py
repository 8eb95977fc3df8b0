"""Soft targets from a teacher model, for distillation.

Source: G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network", 2015.
"""

from __future__ import annotations

import tensorflow as tf

from mnist_trainer.data.dataset import Dataset
from mnist_trainer.model_io.digit_model import DigitModel
from mnist_trainer.model_io.find import find_model
from mnist_trainer.model_io.load import load_model
from mnist_trainer.recipes.distillation import Distillation
from mnist_trainer.training.batches import Teacher

__all__ = ["load_teacher"]


def load_teacher(distillation: Distillation, data: Dataset) -> Teacher:
    """Load the teacher model that `distillation` names.

    Parameters
    ----------
    distillation : Distillation
        Names the teacher, which may be any digit model.
    data : Dataset
        Images on which the scaling of the teacher's pixels is measured, if its training record does not state it.

    Returns
    -------
    callable
        Function of images, float32 (n, 28, 28, 1) in 0..1, and one-hot targets, float32 (n, 10), to softened targets.
        A target is the weighted mean of the label and the teacher's softened answer. Where the teacher is wrong, it is
        the label.

    Raises
    ------
    ModelError, UsageError
        If there is no such model, or its input is not 28x28 pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from mnist_trainer.data.load import load_data
    >>> digits = load_data("digits").train
    >>> images, labels = digits.images[:9, ..., None] / np.float32(255), np.eye(10, dtype=np.float32)
    >>> teacher = load_teacher(Distillation(teacher="cnn", fraction=0.5, temperature=4.0), digits)
    >>> targets = np.asarray(teacher(images, labels[digits.labels[:9]]))
    >>> 0.5 < float(targets.max(axis=1).min()) < 1
    True
    """
    file = find_model(distillation.teacher)
    found = DigitModel.measure(load_model(file), data, recorded=file.record.get("pixel_range"))
    model, scaling = found.model, found.scaling
    shape = (-1, *model.input_shape[1:])

    def teacher(images: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        # From 0..1. For a teacher trained on 0..1 this changes no bit.
        scores = model(tf.reshape(images * (255 * scaling.scale) + scaling.offset, shape), training=False)
        if found.activation == "logits":
            scores = tf.nn.softmax(scores)
        powers = scores ** (1.0 / distillation.temperature)
        answers = powers / tf.reduce_sum(powers, axis=1, keepdims=True)
        is_right = tf.equal(tf.argmax(answers, axis=1), tf.argmax(targets, axis=1))[:, None]
        return tf.where(is_right, distillation.fraction * answers + (1.0 - distillation.fraction) * targets, targets)

    return teacher
