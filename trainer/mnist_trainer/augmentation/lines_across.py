"""Corruptions by lines across a digit: bands, zigzags and long motion blur. `corruptions.CORRUPTIONS` lists them."""

from __future__ import annotations

import math

import tensorflow as tf

from mnist_trainer.augmentation.affine import affine_transform
from mnist_trainer.augmentation.noise_fields import uniform, wave

__all__ = ["banded", "smeared_far", "zigzag"]

SIDE = 28


def banded(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Invert one or two vertical or horizontal bands, fully or partly. Their edges are not exactly parallel."""
    count, seeds = images.shape[0], tf.random.split(seed, 2)
    is_horizontal = uniform(count, seeds[0]) < 0.3
    for number in range(2):
        band_seeds = tf.random.split(tf.random.fold_in(seeds[1], number), 7)
        rows = tf.range(SIDE, dtype=tf.float32)[:, None, None] - (SIDE - 1) / 2
        columns = tf.range(SIDE, dtype=tf.float32)[None, :, None] - (SIDE - 1) / 2
        across, along = tf.where(is_horizontal, rows, columns), tf.where(is_horizontal, columns, rows)
        middle = uniform(count, band_seeds[0], -8.0, 8.0) + along * tf.tan(uniform(count, band_seeds[1], -0.21, 0.21))
        half = uniform(count, band_seeds[2], 0.5, 7.0) + along * uniform(count, band_seeds[3], -0.06, 0.06)
        edge = uniform(count, band_seeds[4], 0.5, 2.0)
        inside = tf.clip_by_value((half - tf.abs(across - middle)) / edge + 0.5, 0.0, 1.0)
        strength = tf.minimum(uniform(count, band_seeds[5], 0.2, 1.5), 1.0)
        if number:
            inside *= tf.cast(uniform(count, band_seeds[6]) < 0.3, tf.float32)
        images += strength * inside * (1.0 - 2.0 * images)
    return images


def zigzag(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draw a zigzag line across the digit: 3 to 9 teeth, up to 5 pixels to each side, thin or broad, dim or bright."""
    count, seeds = images.shape[0], tf.random.split(seed, 6)
    across, along = wave(count, seeds[0], bend=0.0)
    period = 38.0 / uniform(count, seeds[1], 3.0, 9.0)
    place = along / period + uniform(count, seeds[2])
    teeth = 4.0 * tf.abs(place - tf.floor(place) - 0.5) - 1.0
    height = uniform(count, seeds[3], 0.8, 5.0)
    steepness = tf.sqrt(1.0 + (4.0 * height / period) ** 2)
    away = tf.abs(across - height * teeth) / steepness
    drawn = tf.clip_by_value(uniform(count, seeds[4], 0.3, 1.2) - away + 0.5, 0.0, 1.0)
    return tf.maximum(images, drawn * uniform(count, seeds[5], 0.4, 1.0))


def smeared_far(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Apply motion blur over 3 to 9 pixels, then brighten the digit by a random amount, as a longer exposure does."""
    count, seeds = images.shape[0], tf.random.split(seed, 3)
    angle = tf.random.stateless_uniform((count,), seeds[0], 0.0, 2 * math.pi)
    length = tf.random.stateless_uniform((count,), seeds[1], 3.0, 9.0)
    one, zero = tf.ones_like(angle), tf.zeros_like(angle)
    copies = []
    for place in range(-4, 5):
        right, down = place / 8 * length * tf.cos(angle), place / 8 * length * tf.sin(angle)
        copies.append(affine_transform(images, (one, zero, right), (zero, one, down)))
    blurred = tf.add_n(copies) / len(copies)
    brightest = tf.maximum(tf.reduce_max(blurred, axis=(1, 2, 3), keepdims=True), 0.25)
    return blurred / brightest ** uniform(count, seeds[2])
