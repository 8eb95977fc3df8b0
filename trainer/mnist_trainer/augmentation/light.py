"""Random changes of brightness and contrast, as light and cameras cause them."""

from __future__ import annotations

import tensorflow as tf

from mnist_trainer.augmentation.noise_fields import uniform

__all__ = ["random_light"]

CONTRAST, BRIGHTNESS = 0.2, 0.1
"""Limits of the relative change of contrast, and of the change of brightness."""


def random_light(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Change brightness and contrast of each image, the same for all its pixels.

    Parameters
    ----------
    images : tensor, float32 (n, h, w, c), 0..1
        Images.
    seed : tensor, int (2,)
        Seed of the random numbers.

    Examples
    --------
    >>> import numpy as np
    >>> changed = np.asarray(random_light(np.full((100, 2, 2, 3), 0.5, np.float32), [1, 2]))
    >>> bool(np.ptp(changed[0]) == 0), round(float(np.ptp(changed[:, 0, 0, 0])), 1)
    (True, 0.2)
    """
    images = tf.convert_to_tensor(images)
    seeds = tf.random.split(tf.convert_to_tensor(seed), 2)
    count = images.shape[0]
    contrast = 1.0 + uniform(count, seeds[0], -CONTRAST, CONTRAST)
    changed = 0.5 + (images - 0.5) * contrast + uniform(count, seeds[1], -BRIGHTNESS, BRIGHTNESS)
    return tf.clip_by_value(changed, 0.0, 1.0)
