"""Soft targets from a teacher model, for distillation.

Source: G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network", 2015.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import tensorflow as tf

from mnist_trainer.augmentation.affine import random_affine
from mnist_trainer.data.dataset import Dataset
from mnist_trainer.model_io.find import find_model
from mnist_trainer.model_io.load import load_with_digest
from mnist_trainer.model_io.measured.digit_model import DigitModel
from mnist_trainer.recipes.augmentations import LIGHT
from mnist_trainer.recipes.distillation import Distillation
from mnist_trainer.training.batches import Teacher

__all__ = ["load_teacher"]


AT_ONCE = 500
"""Batch size of the teacher."""


def load_teacher(distillation: Distillation, data: Dataset, seed: int = 0) -> Teacher:
    """Load the teacher model that `distillation` names.

    Parameters
    ----------
    distillation : Distillation
        Settings, with the name of the teacher. It may be any digit model.
    data : Dataset
        The training images. If the teacher has no training record, its pixel scaling is measured on them. Their views
        are averaged.
    seed : int
        Seed of the changes in the views.

    Returns
    -------
    callable
        Function of images, float32 (n, 28, 28, 1) in 0..1, one-hot targets, float32 (n, 10), and the numbers of the
        images in `data`, (n,), to softened targets. A target is the weighted mean of the label and the teacher's
        softened answer. Where the teacher is wrong, it is the label.

    Raises
    ------
    ModelError, UsageError
        If the teacher does not exist, or its input is not 28x28 pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from mnist_trainer.data.load import load_data
    >>> digits = load_data("digits").train
    >>> images, labels = digits.images[:9, ..., None] / np.float32(255), np.eye(10, dtype=np.float32)
    >>> teacher = load_teacher(Distillation(teacher="cnn", fraction=0.5, temperature=4.0), digits)
    >>> targets = np.asarray(teacher(images, labels[digits.labels[:9]], np.arange(9)))
    >>> 0.5 < float(targets.max(axis=1).min()) < 1
    True
    """
    file = find_model(distillation.teacher)
    loaded, sha256 = load_with_digest(file)
    found = DigitModel.measure(loaded, data, recorded=file.recorded_pixels(loaded, sha256))
    model, scaling = found.model, found.scaling
    shape = (-1, *model.input_shape[1:])

    def scores_of(images: tf.Tensor) -> tf.Tensor:
        # Rescale from 0..1. For a teacher trained on 0..1, the result is bit for bit the same.
        scores = model(tf.reshape(images * (255 * scaling.scale) + scaling.offset, shape), training=False)
        return tf.nn.softmax(scores) if found.activation == "logits" else scores

    def target(scores: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        powers = scores ** (1.0 / distillation.temperature)
        answers = powers / tf.reduce_sum(powers, axis=1, keepdims=True)
        is_right = tf.equal(tf.argmax(answers, axis=1), tf.argmax(targets, axis=1))[:, None]
        return tf.where(is_right, distillation.fraction * answers + (1.0 - distillation.fraction) * targets, targets)

    averages = _averages(scores_of, data, distillation.views, seed) if distillation.views else None

    def teacher(images: tf.Tensor, targets: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        own = target(scores_of(images), targets)
        return own if averages is None else (own + target(tf.gather(averages, rows), targets)) / 2

    return teacher


def _averages(scores_of: Callable[[tf.Tensor], tf.Tensor], data: Dataset, views: int, seed: int) -> tf.Tensor:
    """Return the geometric mean of the scores of each image and its views, float32 (n, 10), not normalized."""

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def average(images: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
        seen = [images]
        for view in range(views):
            own = tf.random.fold_in(tf.stack([tf.constant(seed, tf.int64), number]), view)
            seen.append(random_affine(images, own, **asdict(LIGHT)))
        return tf.exp(sum(tf.math.log(tf.maximum(scores_of(each), 1e-30)) for each in seen) / len(seen))

    parts = [
        average(
            tf.cast(data.images[start : start + AT_ONCE, ..., None], tf.float32) / 255, tf.constant(start, tf.int64)
        )
        for start in range(0, len(data), AT_ONCE)
    ]
    return tf.concat(parts, axis=0)
