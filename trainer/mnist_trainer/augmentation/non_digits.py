"""Ten kinds of images that show no digit. A model trained with them gives low scores to such images."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from mnist_trainer.augmentation.affine import affine_transform
from mnist_trainer.augmentation.noise_fields import smooth_noise, uniform, wave

__all__ = ["NON_DIGITS", "insert_non_digits"]


def insert_non_digits(
    images: tf.Tensor, targets: tf.Tensor, seed: tf.Tensor, *, fraction: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Replace the first images of a batch by images without a digit, the same number of each kind in `NON_DIGITS`.

    Parameters
    ----------
    images : tensor, float32 (n, 28, 28, 1), 0..1
        A batch in random order.
    targets : tensor, float32 (n, 10)
        Probabilities of the digits. The targets of replaced images become equal for all digits.
    seed : tensor, int (2,)
        Seed of the random numbers.
    fraction : float
        Fraction of the images to replace, 0..1. It is rounded down to the same number of images for each kind.

    Returns
    -------
    images, targets : tensor
        The changed batch, with the same shapes and types.

    Examples
    --------
    >>> import numpy as np
    >>> images, targets = np.zeros((64, 28, 28, 1), np.float32), np.eye(10, dtype=np.float32)[np.arange(64) % 10]
    >>> images, targets = insert_non_digits(images, targets, [1, 2], fraction=0.25)
    >>> np.asarray(targets).max(axis=1)[[0, 63]].astype(float).round(1).tolist()
    [0.1, 1.0]
    """
    images, targets = tf.convert_to_tensor(images), tf.convert_to_tensor(targets)
    count = int(images.shape[0] * fraction / len(NON_DIGITS)) * len(NON_DIGITS)
    parts = tf.split(images[:count], len(NON_DIGITS))
    made = [
        tf.clip_by_value(make(part, tf.random.fold_in(seed, number)), 0.0, 1.0)
        for number, (make, part) in enumerate(zip(NON_DIGITS.values(), parts, strict=True))
    ]
    flat = tf.fill((count, targets.shape[1]), 1.0 / targets.shape[1])
    return tf.concat([*made, images[count:]], axis=0), tf.concat([flat, targets[count:]], axis=0)


def _texture(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Add smooth noise of four scales, with a random contrast."""
    count, seeds = images.shape[0], tf.random.split(seed, 9)
    grains = [
        smooth_noise(count, cells, seeds[index]) * uniform(count, seeds[index + 4])
        for index, cells in enumerate((3, 6, 12, 28))
    ]
    gray = tf.add_n(grains)
    return 0.5 + (gray - tf.reduce_mean(gray, (1, 2, 3), keepdims=True)) * uniform(count, seeds[8], 0.5, 3.0)


def _blobs(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draw spots of one brightness: smooth noise above a threshold."""
    count, seeds = images.shape[0], tf.random.split(seed, 5)
    field = tf.where(uniform(count, seeds[0]) < 0.5, smooth_noise(count, 5, seeds[1]), smooth_noise(count, 9, seeds[2]))
    island = tf.sigmoid((field - uniform(count, seeds[3], 0.35, 0.7)) * 20.0)
    return island * uniform(count, seeds[4], 0.4, 1.0)


def _shapes(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draw two overlapping rectangles or ellipses, plain or textured."""
    count, seeds = images.shape[0], tf.random.split(seed, 12)
    picture = tf.zeros((count, 28, 28, 1))
    for number in (0, 5):
        across, along = wave(count, seeds[number], bend=1.5)
        x = tf.abs(across + uniform(count, seeds[number + 1], -4.0, 4.0)) / uniform(count, seeds[number + 2], 3.0, 12.0)
        y = tf.abs(along) / uniform(count, seeds[number + 3], 4.0, 16.0)
        power = tf.where(uniform(count, seeds[number + 4]) < 0.4, 2.0, 12.0)
        inside = tf.cast(x**power + y**power < 1.0, tf.float32)
        picture = tf.maximum(picture, inside * uniform(count, seeds[number + 1], 0.3, 1.0))
    return picture * (1.0 - uniform(count, seeds[10], 0.0, 0.8) * smooth_noise(count, 10, seeds[11]))


def _grating(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draw stripes, or two crossing sets of stripes."""
    count, seeds = images.shape[0], tf.random.split(seed, 6)
    first, second = (wave(count, seeds[index], bend=2.0)[0] for index in (0, 1))
    field = tf.sin(first * uniform(count, seeds[2], 0.3, 2.0))
    field *= tf.where(uniform(count, seeds[3]) < 0.5, 1.0, tf.sin(second * uniform(count, seeds[4], 0.3, 2.0)))
    return 0.5 + field * uniform(count, seeds[5], 0.3, 2.0)


def _scribble(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draw five curved pen strokes, more than a digit has."""
    count, seeds = images.shape[0], tf.random.split(seed, 11)
    picture = tf.zeros((count, 28, 28, 1))
    width = uniform(count, seeds[10], 0.6, 1.6)
    for number in range(5):
        across, along = wave(count, seeds[number], bend=3.0)
        stroke = tf.sigmoid((width - tf.abs(across)) * 3.0)
        is_long_enough = tf.abs(along) < uniform(count, seeds[number + 5], 3.0, 14.0)
        picture = tf.where(is_long_enough, tf.maximum(picture, stroke), picture)
    return picture


def _glyph(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draw three to five straight strokes between nine points of a square grid, similar to letters."""
    count, seeds = images.shape[0], tf.random.split(seed, 6)
    begin = tf.random.stateless_uniform((count, 5, 1), seeds[0], 0, 9, dtype=tf.int32)
    end = (begin + tf.random.stateless_uniform((count, 5, 1), seeds[1], 1, 9, dtype=tf.int32)) % 9
    joints = tf.concat([begin, end], axis=2)
    square = tf.cast(tf.stack([joints // 3, joints % 3], axis=-1), tf.float32) - 1.0
    size = tf.random.stateless_uniform((count, 1, 1, 1), seeds[2], 6.0, 9.0)
    places = 13.5 + size * square + tf.random.stateless_normal((count, 5, 2, 2), seeds[3], stddev=0.7)
    begins, strokes = places[:, :, :1, None], places[:, :, 1:, None] - places[:, :, :1, None]
    grid = tf.cast(tf.stack(tf.meshgrid(tf.range(28), tf.range(28), indexing="ij"), axis=-1), tf.float32)
    along = tf.reduce_sum((grid - begins) * strokes, -1) / (tf.reduce_sum(strokes**2, -1) + 1e-3)
    nearest = begins + tf.clip_by_value(along, 0.0, 1.0)[..., None] * strokes
    away = tf.norm(grid - nearest, axis=-1)
    unused = tf.range(5) >= tf.random.stateless_uniform((count, 1), seeds[4], 3, 6, dtype=tf.int32)
    away = tf.reduce_min(away + 99.0 * tf.cast(unused, tf.float32)[..., None, None], axis=1)[..., None]
    return tf.sigmoid((uniform(count, seeds[5], 0.8, 1.9) - away) * 3.0)


def _number(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Show two digits side by side, squeezed to fit."""
    count, seeds = images.shape[0], tf.random.split(seed, 2)
    taller = tf.random.stateless_uniform((count,), seeds[0], 1.0, 1.7)  # from output to input pixels
    apart = tf.random.stateless_uniform((count,), seeds[1], 5.0, 7.0)
    zero, narrower = tf.zeros_like(apart), tf.fill((count,), 1.7)
    down = 13.5 * (1.0 - taller)
    written = []
    for digits, right in ((images, -apart), (tf.reverse(images, [0]), apart)):
        column = (narrower, zero, 13.5 - 1.7 * (13.5 + right))
        written.append(affine_transform(digits, column, (zero, taller, down)))
    return tf.maximum(*written)


def _shuffled(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Shuffle the sixteen 7x7-pixel tiles of a digit."""
    count = images.shape[0]
    tiles = tf.reshape(images, (count, 4, 7, 4, 7))
    tiles = tf.reshape(tf.transpose(tiles, (0, 1, 3, 2, 4)), (count, 16, 49))
    order = tf.argsort(tf.random.stateless_uniform((count, 16), seed), axis=1)
    tiles = tf.reshape(tf.gather(tiles, order, batch_dims=1), (count, 4, 4, 7, 7))
    return tf.reshape(tf.transpose(tiles, (0, 1, 3, 2, 4)), (count, 28, 28, 1))


def _plain(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Show one brightness with a little noise, like an empty field or a covered lens."""
    count, seeds = images.shape[0], tf.random.split(seed, 3)
    noise = tf.random.stateless_normal((count, 28, 28, 1), seeds[0]) * uniform(count, seeds[1], 0.0, 0.3)
    return uniform(count, seeds[2], -0.3, 1.3) + noise


def _pixels(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Shuffle the pixels of a digit. Half of the images show a quarter of the pixels, at twice the size."""
    count, seeds = images.shape[0], tf.random.split(seed, 2)
    order = tf.argsort(tf.random.stateless_uniform((count, 784), seeds[0]), axis=1)
    mixed = tf.reshape(tf.gather(tf.reshape(images, (count, 784)), order, batch_dims=1), (count, 28, 28, 1))
    coarse = tf.repeat(tf.repeat(mixed[:, :14, :14], 2, axis=1), 2, axis=2)
    return tf.where(uniform(count, seeds[1]) < 0.5, mixed, coarse)


NON_DIGITS: dict[str, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {
    "texture": _texture,
    "blobs": _blobs,
    "shapes": _shapes,
    "grating": _grating,
    "scribble": _scribble,
    "glyph": _glyph,
    "number": _number,
    "shuffled": _shuffled,
    "plain": _plain,
    "pixels": _pixels,
}
"""Name -> function of digit images, float32 (n, 28, 28, 1), and a seed, int (2,), to n images without a digit."""
