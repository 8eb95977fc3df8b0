"""Random numbers and random 28x28 fields, from which corruptions and non-digits are made."""

from __future__ import annotations

import math

import tensorflow as tf

__all__ = ["smooth_noise", "uniform", "wave"]

SIDE = 28
"""Width and height of an image in pixels."""


def uniform(count: int, seed: tf.Tensor, low: float = 0.0, high: float = 1.0) -> tf.Tensor:
    """Draw one number per image, uniform between `low` and `high`: float32 (count, 1, 1, 1)."""
    return tf.random.stateless_uniform((count, 1, 1, 1), seed, low, high)


def smooth_noise(count: int, cells: int, seed: tf.Tensor) -> tf.Tensor:
    """Draw `cells` x `cells` random values per image and interpolate them: float32 (count, 28, 28, 1), 0..1."""
    coarse = tf.random.stateless_uniform((count, cells, cells, 1), seed)
    return tf.clip_by_value(tf.image.resize(coarse, (SIDE, SIDE), "bicubic"), 0.0, 1.0)


def wave(count: int, seed: tf.Tensor, bend: float) -> tuple[tf.Tensor, tf.Tensor]:
    """Draw a random wavy line through each image and return the position of each pixel relative to it.

    The line has a random direction, and its distance from the center is at most 12 pixels. It is a sine wave with an
    amplitude of up to `bend` pixels.

    Returns
    -------
    across, along : tensor, float32 (count, 28, 28, 1)
        Signed distance from the line, and position along it, in pixels.
    """
    seeds = tf.random.split(seed, 5)
    angle = uniform(count, seeds[0], 0.0, math.pi)
    rows = tf.range(SIDE, dtype=tf.float32)[:, None, None] - (SIDE - 1) / 2
    columns = tf.range(SIDE, dtype=tf.float32)[None, :, None] - (SIDE - 1) / 2
    across = columns * tf.cos(angle) + rows * tf.sin(angle) - uniform(count, seeds[1], -12.0, 12.0)
    along = rows * tf.cos(angle) - columns * tf.sin(angle)
    swing = tf.sin(along * uniform(count, seeds[2], 0.2, 1.2) + uniform(count, seeds[3], 0.0, 2 * math.pi))
    return across - uniform(count, seeds[4], 0.0, bend) * swing, along
