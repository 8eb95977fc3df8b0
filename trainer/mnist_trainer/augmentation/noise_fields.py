"""`smooth_noise`, `uniform`, `wave`: random fields of 28x28 pixels, of which corruptions and non-digits are made."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["smooth_noise", "uniform", "wave"]

SIDE = 28


def uniform(count: int, seed: tf.Tensor, low: float = 0.0, high: float = 1.0) -> tf.Tensor:
    """Draw one number an image, float (count, 1, 1, 1), evenly from `low` to `high`."""
    import tensorflow as tf

    return tf.random.stateless_uniform((count, 1, 1, 1), seed, low, high)


def smooth_noise(count: int, cells: int, seed: tf.Tensor) -> tf.Tensor:
    """Return noise of `cells` x `cells` values an image, smoothed to 28x28: float (count, 28, 28, 1), 0..1."""
    import tensorflow as tf

    coarse = tf.random.stateless_uniform((count, cells, cells, 1), seed)
    return tf.clip_by_value(tf.image.resize(coarse, (SIDE, SIDE), "bicubic"), 0.0, 1.0)


def wave(count: int, seed: tf.Tensor, bend: float) -> tuple[tf.Tensor, tf.Tensor]:
    """Return, for each pixel, how far it is across and along a line through the picture, in pixels.

    The line has any direction, passes the centre within 12 pixels and swings to both sides by up to `bend` pixels.
    Both are float (count, 28, 28, 1).
    """
    import tensorflow as tf

    seeds = tf.random.split(seed, 5)
    angle = uniform(count, seeds[0], 0.0, math.pi)
    rows = tf.range(SIDE, dtype=tf.float32)[:, None, None] - (SIDE - 1) / 2
    columns = tf.range(SIDE, dtype=tf.float32)[None, :, None] - (SIDE - 1) / 2
    across = columns * tf.cos(angle) + rows * tf.sin(angle) - uniform(count, seeds[1], -12.0, 12.0)
    along = rows * tf.cos(angle) - columns * tf.sin(angle)
    swing = tf.sin(along * uniform(count, seeds[2], 0.2, 1.2) + uniform(count, seeds[3], 0.0, 2 * math.pi))
    return across - uniform(count, seeds[4], 0.0, bend) * swing, along
