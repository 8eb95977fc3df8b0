"""Twenty image corruptions for training, of the kinds that a camera, a scanner or a pen causes.

The kinds are those of MNIST-C (N. Mu, J. Gilmer, "MNIST-C: A Robustness Benchmark for Computer Vision", 2019). The
implementation differs from the paper on purpose: lines are sine waves, fog is smoothed noise, and edges are computed
from the brightest neighbor. The evaluation (`mnist_trainer.evaluation.mnist_c`) follows the paper. So a model is never
tested on exactly the corruptions that it was trained on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import tensorflow as tf

from mnist_trainer.augmentation.affine import affine_transform, random_affine
from mnist_trainer.augmentation.lines_across import banded, smeared_far, zigzag
from mnist_trainer.augmentation.noise_fields import smooth_noise, uniform, wave

__all__ = ["CORRUPTIONS", "corrupt"]


def corrupt(images: tf.Tensor, seed: tf.Tensor, *, fraction: float, kinds: Sequence[str] = ()) -> tf.Tensor:
    """Corrupt the last images of a batch, the same number of images with each of `kinds`.

    Parameters
    ----------
    images : tensor, float32 (n, 28, 28, 1), 0..1
        A batch in random order.
    seed : tensor, int (2,)
        Seed of the random numbers.
    fraction : float
        Fraction of the images to corrupt, 0..1. It is rounded down to the same number of images for each kind.
    kinds : sequence of str
        Keys of `CORRUPTIONS`; by default all.

    Returns
    -------
    tensor, float32 (n, 28, 28, 1), 0..1
        The batch, in the same order.

    Examples
    --------
    >>> import numpy as np
    >>> images = np.random.default_rng(0).random((64, 28, 28, 1), np.float32)
    >>> corrupted = np.asarray(corrupt(images, [1, 2], fraction=0.5))
    >>> np.array_equal(corrupted[:32], images[:32]), float(corrupted.min()) >= 0, float(corrupted.max()) <= 1
    (True, True, True)
    """
    images = tf.convert_to_tensor(images)
    kinds = kinds or tuple(CORRUPTIONS)
    each = int(images.shape[0] * fraction / len(kinds))
    unchanged = images.shape[0] - each * len(kinds)
    parts = [images[:unchanged]]
    for number, kind in enumerate(kinds):
        begin = unchanged + each * number
        changed = CORRUPTIONS[kind](images[begin : begin + each], tf.random.fold_in(seed, number))
        parts.append(tf.clip_by_value(changed, 0.0, 1.0))
    return tf.concat(parts, axis=0)


def _levels(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Reduce the contrast: black and white become two shades of gray."""
    count, seeds = images.shape[0], tf.random.split(seed, 2)
    black = uniform(count, seeds[0], 0.0, 0.7)
    return black + images * (1.0 - black) * uniform(count, seeds[1], 0.25, 1.0)


def _overexposed(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Add the same brightness to all pixels."""
    return images + uniform(images.shape[0], seed, 0.1, 0.75)


def _inverted(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Show dark ink on a bright background, with a random contrast."""
    return 1.0 - _levels(images, seed)


def _partly_inverted(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Invert one side of a line, or a band along it."""
    count, seeds = images.shape[0], tf.random.split(seed, 3)
    across, _ = wave(count, seeds[0], bend=2.0)
    band = tf.abs(across) < uniform(count, seeds[1], 1.5, 8.0)
    return tf.where(tf.where(uniform(count, seeds[2]) < 0.5, across > 0, band), 1.0 - images, images)


def _foggy(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Add bright smooth noise of two scales."""
    count, seeds = images.shape[0], tf.random.split(seed, 5)
    fog = sum(
        smooth_noise(count, cells, seeds[index]) * uniform(count, seeds[index + 2], 0.0, 1.0)
        for index, cells in enumerate((4, 9))
    )
    fog *= uniform(count, seeds[4], 0.5, 1.6)
    return (images + fog) / tf.maximum(1.0, 0.6 * tf.reduce_max(images + fog, axis=(1, 2, 3), keepdims=True))


def _blurred(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Blur with a 3x3 mean, applied between one and four times."""
    once = tf.nn.avg_pool2d(images, 3, 1, "SAME")
    more = tf.nn.avg_pool2d(tf.nn.avg_pool2d(tf.nn.avg_pool2d(once, 3, 1, "SAME"), 3, 1, "SAME"), 3, 1, "SAME")
    part = uniform(images.shape[0], seed)
    return once + part * (more - once)


def _smeared(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Blur by motion: the mean of seven copies along a line of up to 7 pixels."""
    seeds = tf.random.split(seed, 2)
    angle = tf.random.stateless_uniform((images.shape[0],), seeds[0], 0.0, 2 * math.pi)
    step = tf.random.stateless_uniform((images.shape[0],), seeds[1], 0.3, 1.2)
    one, zero = tf.ones_like(angle), tf.zeros_like(angle)
    copies = []
    for place in range(-3, 4):
        right, down = place * step * tf.cos(angle), place * step * tf.sin(angle)
        copies.append(affine_transform(images, (one, zero, right), (zero, one, down)))
    return tf.add_n(copies) / len(copies)


def _noisy(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Add noise of constant strength, and noise that grows with the square root of the brightness."""
    count, seeds = images.shape[0], tf.random.split(seed, 4)
    dark = tf.random.stateless_normal(images.shape, seeds[0]) * uniform(count, seeds[1], 0.0, 0.35)
    light = tf.random.stateless_normal(images.shape, seeds[2]) * uniform(count, seeds[3], 0.0, 0.6)
    return images + dark + light * tf.sqrt(images)


def _peppered(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Make up to a third of the pixels black or white."""
    count, seeds = images.shape[0], tf.random.split(seed, 2)
    drawn, part = tf.random.stateless_uniform(images.shape, seeds[0]), uniform(count, seeds[1], 0.01, 0.17)
    return tf.where(drawn < part, 0.0, tf.where(drawn > 1.0 - part, 1.0, images))


def _frosted(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Replace each pixel by a random one up to 2 pixels away, as seen through rough glass."""
    count, seeds = images.shape[0], tf.random.split(seed, 2)
    away = tf.random.stateless_uniform((count, 28, 28, 2), seeds[0], -1.0, 1.0) * uniform(count, seeds[1], 0.8, 2.4)
    grid = tf.stack(tf.meshgrid(tf.range(28), tf.range(28), indexing="ij"), axis=-1)
    seen = tf.clip_by_value(grid + tf.cast(tf.round(away), tf.int32), 0, 27)
    return tf.gather(tf.reshape(images, (count, 784, 1)), seen[..., 0] * 28 + seen[..., 1], batch_dims=1)


def _crossed_out(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draw a wavy line across the digit, of random width, brightness and direction. Half of the lines are dashed."""
    count, seeds = images.shape[0], tf.random.split(seed, 6)
    across, along = wave(count, seeds[0], bend=4.0)
    drawn = tf.abs(across) < uniform(count, seeds[1], 0.5, 1.8)
    gap = tf.sin(along * uniform(count, seeds[2], 0.5, 2.5)) < uniform(count, seeds[3], -0.3, 0.3)
    dashed = gap & (uniform(count, seeds[4]) < 0.5)
    return tf.where(drawn & ~dashed, uniform(count, seeds[5], 0.3, 1.0), images)


def _barred(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draw two straight bars of random brightness."""
    count, seeds = images.shape[0], tf.random.split(seed, 6)
    for number in (0, 3):
        across, _ = wave(count, seeds[number], bend=0.0)
        drawn = tf.abs(across) < uniform(count, seeds[number + 1], 0.4, 1.6)
        images = tf.where(drawn, uniform(count, seeds[number + 2]), images)
    return images


def _splashed(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draw drops of one brightness where smooth noise is high."""
    count, seeds = images.shape[0], tf.random.split(seed, 3)
    drops = smooth_noise(count, 12, seeds[0]) > uniform(count, seeds[1], 0.72, 0.95)
    return tf.where(drops, uniform(count, seeds[2], 0.2, 1.0), images)


def _edged(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Show the outline only, outside or inside the strokes, with a random steepness."""
    brightest, darkest = tf.nn.max_pool2d(images, 3, 1, "SAME"), -tf.nn.max_pool2d(-images, 3, 1, "SAME")
    outer = uniform(images.shape[0], seed)
    edges = tf.where(outer < 0.5, brightest - images, images - darkest)
    return tf.clip_by_value((edges - 0.3) * (1.0 + 8.0 * tf.abs(outer - 0.5)), 0.0, 1.0)


def _stroked(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Thicken or thin the strokes."""
    brightest, darkest = tf.nn.max_pool2d(images, 3, 1, "SAME"), -tf.nn.max_pool2d(-images, 3, 1, "SAME")
    amount = uniform(images.shape[0], seed, -0.8, 1.0)
    return images + tf.where(amount > 0, amount * (brightest - images), -amount * (darkest - images))


def _distant(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Shrink the digit to between 5/6 and half of its size, and shift it by up to 3 pixels."""
    count, seeds = images.shape[0], tf.random.split(seed, 2)
    factor = tf.random.stateless_uniform((count,), seeds[0], 1.2, 2.0)  # from output to input pixels
    right, down = tf.unstack(tf.random.stateless_uniform((2, count), seeds[1], -3.0, 3.0))
    zero = tf.zeros_like(factor)
    kept = 13.5 * (1.0 - factor)
    return affine_transform(images, (factor, zero, kept + right), (zero, factor, kept + down))


CORRUPTIONS: dict[str, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {
    "levels": _levels,
    "overexposed": _overexposed,
    "inverted": _inverted,
    "partly inverted": _partly_inverted,
    "foggy": _foggy,
    "blurred": _blurred,
    "smeared": _smeared,
    "noisy": _noisy,
    "peppered": _peppered,
    "frosted": _frosted,
    "crossed out": _crossed_out,
    "barred": _barred,
    "splashed": _splashed,
    "edged": _edged,
    "stroked": _stroked,
    "warped": partial(random_affine, rotation=30.0, scale=0.30, shear=25.0, shift=4.0),
    "distant": _distant,
    "smeared far": smeared_far,
    "zigzag": zigzag,
    "banded": banded,
}
"""Name -> function of images, float32 (n, 28, 28, 1), 0..1, and a seed, int (2,), to images that may exceed 0..1."""
