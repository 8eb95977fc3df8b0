"""`CorruptionAugmentation`: part of every batch is spoilt as a camera, a scanner or a pen would spoil it.

The kinds follow the description of MNIST-C (N. Mu, J. Gilmer, "MNIST-C: A Robustness Benchmark for Computer Vision",
2019) in spirit, not in form: lines swing as sines, fog is smoothed noise, edges come of the brightest neighbour. An
evaluation suite that keeps to the paper therefore holds pictures that no training has seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_trainer.augmentation.affine import Augmentation
from mnist_trainer.augmentation.noise_fields import smooth_noise, uniform, wave

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["CORRUPTIONS", "CorruptionAugmentation"]

WARP = Augmentation(rotation=30.0, scale=0.30, shear=25.0, shift=4.0)
"""Far beyond the changes that every image sees."""


@dataclass(frozen=True)
class CorruptionAugmentation:
    """Which part of a batch is spoilt; every kind of `CORRUPTIONS` gets an equal share of it.

    Parameters
    ----------
    fraction : float
        0..1, of the images of a batch.
    """

    fraction: float

    def __call__(self, images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Spoil the last of `images`, float (n, 28, 28, 1), 0..1, as `seed`, int (2,), says.

        The batch is a shuffled one, so that it does not matter which images come last. The first ones are left alone.

        Examples
        --------
        >>> import numpy as np
        >>> images = np.random.default_rng(0).random((64, 28, 28, 1), np.float32)
        >>> spoilt = np.asarray(CorruptionAugmentation(fraction=0.5)(images, [1, 2]))
        >>> (spoilt != images).any(axis=(1, 2, 3))[:32].any(), float(spoilt.min()) >= 0, float(spoilt.max()) <= 1
        (False, True, True)
        """
        import tensorflow as tf

        images = tf.convert_to_tensor(images)
        each = int(images.shape[0] * self.fraction / len(CORRUPTIONS))
        spared = images.shape[0] - each * len(CORRUPTIONS)
        parts = [images[:spared]]
        for number, corrupt in enumerate(CORRUPTIONS.values()):
            begin = spared + each * number
            own = tf.random.fold_in(seed, number)
            parts.append(tf.clip_by_value(corrupt(images[begin : begin + each], own), 0.0, 1.0))
        return tf.concat(parts, axis=0)


def _levels(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Weaken the light: black becomes grey, white too, each its own."""
    import tensorflow as tf

    count, seeds = images.shape[0], tf.random.split(seed, 2)
    black = uniform(count, seeds[0], 0.0, 0.7)
    return black + images * (1.0 - black) * uniform(count, seeds[1], 0.25, 1.0)


def _overexposed(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Add light to all pixels alike, and clip."""
    return images + uniform(images.shape[0], seed, 0.1, 0.75)


def _inverted(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Show ink on paper, of any contrast."""
    return 1.0 - _levels(images, seed)


def _partly_inverted(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Invert what lies on one side of a line, or in a band along it."""
    import tensorflow as tf

    count, seeds = images.shape[0], tf.random.split(seed, 3)
    across, _ = wave(count, seeds[0], bend=2.0)
    band = tf.abs(across) < uniform(count, seeds[1], 1.5, 8.0)
    return tf.where(tf.where(uniform(count, seeds[2]) < 0.5, across > 0, band), 1.0 - images, images)


def _foggy(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Lay bright fog of two grains before the digit."""
    import tensorflow as tf

    count, seeds = images.shape[0], tf.random.split(seed, 5)
    fog = sum(
        smooth_noise(count, cells, seeds[index]) * uniform(count, seeds[index + 2], 0.0, 1.0)
        for index, cells in enumerate((4, 9))
    )
    fog *= uniform(count, seeds[4], 0.5, 1.6)
    return (images + fog) / tf.maximum(1.0, 0.6 * tf.reduce_max(images + fog, axis=(1, 2, 3), keepdims=True))


def _blurred(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Put it out of focus: between once and four times the mean of nine neighbours."""
    import tensorflow as tf

    once = tf.nn.avg_pool2d(images, 3, 1, "SAME")
    more = tf.nn.avg_pool2d(tf.nn.avg_pool2d(tf.nn.avg_pool2d(once, 3, 1, "SAME"), 3, 1, "SAME"), 3, 1, "SAME")
    part = uniform(images.shape[0], seed)
    return once + part * (more - once)


def _smeared(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Move it while the shutter is open: the mean of seven copies along a line of up to 7 pixels."""
    import keras
    import tensorflow as tf

    seeds = tf.random.split(seed, 2)
    angle = tf.random.stateless_uniform((images.shape[0],), seeds[0], 0.0, 2 * math.pi)
    step = tf.random.stateless_uniform((images.shape[0],), seeds[1], 0.3, 1.2)
    one, zero = tf.ones_like(angle), tf.zeros_like(angle)
    copies = []
    for place in range(-3, 4):
        right, down = place * step * tf.cos(angle), place * step * tf.sin(angle)
        moves = tf.stack([one, zero, right, zero, one, down, zero, zero], axis=1)
        copies.append(keras.ops.image.affine_transform(images, moves, interpolation="bilinear"))
    return tf.add_n(copies) / len(copies)


def _noisy(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Add noise of the dark and noise of the light, which grows with it."""
    import tensorflow as tf

    count, seeds = images.shape[0], tf.random.split(seed, 4)
    dark = tf.random.stateless_normal(images.shape, seeds[0]) * uniform(count, seeds[1], 0.0, 0.35)
    light = tf.random.stateless_normal(images.shape, seeds[2]) * uniform(count, seeds[3], 0.0, 0.6)
    return images + dark + light * tf.sqrt(images)


def _peppered(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Add dead and hot pixels: up to a third."""
    import tensorflow as tf

    count, seeds = images.shape[0], tf.random.split(seed, 2)
    drawn, part = tf.random.stateless_uniform(images.shape, seeds[0]), uniform(count, seeds[1], 0.01, 0.17)
    return tf.where(drawn < part, 0.0, tf.where(drawn > 1.0 - part, 1.0, images))


def _frosted(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Look through rough glass: each pixel shows another one, up to 2 pixels away."""
    import tensorflow as tf

    count, seeds = images.shape[0], tf.random.split(seed, 2)
    away = tf.random.stateless_uniform((count, 28, 28, 2), seeds[0], -1.0, 1.0) * uniform(count, seeds[1], 0.8, 2.4)
    grid = tf.stack(tf.meshgrid(tf.range(28), tf.range(28), indexing="ij"), axis=-1)
    seen = tf.clip_by_value(grid + tf.cast(tf.round(away), tf.int32), 0, 27)
    return tf.gather(tf.reshape(images, (count, 784, 1)), seen[..., 0] * 28 + seen[..., 1], batch_dims=1)


def _crossed_out(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Cross the digit out with a line that swings, of any width, grey and direction; half of the lines are dashed."""
    import tensorflow as tf

    count, seeds = images.shape[0], tf.random.split(seed, 6)
    across, along = wave(count, seeds[0], bend=4.0)
    drawn = tf.abs(across) < uniform(count, seeds[1], 0.5, 1.8)
    gap = tf.sin(along * uniform(count, seeds[2], 0.5, 2.5)) < uniform(count, seeds[3], -0.3, 0.3)
    dashed = gap & (uniform(count, seeds[4]) < 0.5)
    return tf.where(drawn & ~dashed, uniform(count, seeds[5], 0.3, 1.0), images)


def _barred(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Lay two straight bars across, black, grey or white."""
    import tensorflow as tf

    count, seeds = images.shape[0], tf.random.split(seed, 6)
    for number in (0, 3):
        across, _ = wave(count, seeds[number], bend=0.0)
        drawn = tf.abs(across) < uniform(count, seeds[number + 1], 0.4, 1.6)
        images = tf.where(drawn, uniform(count, seeds[number + 2]), images)
    return images


def _splashed(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Splash drops of any grey where smooth noise is high."""
    import tensorflow as tf

    count, seeds = images.shape[0], tf.random.split(seed, 3)
    drops = smooth_noise(count, 12, seeds[0]) > uniform(count, seeds[1], 0.72, 0.95)
    return tf.where(drops, uniform(count, seeds[2], 0.2, 1.0), images)


def _edged(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Leave the outline alone: where neighbours are brighter, or darker, made as steep as chance will have it."""
    import tensorflow as tf

    brightest, darkest = tf.nn.max_pool2d(images, 3, 1, "SAME"), -tf.nn.max_pool2d(-images, 3, 1, "SAME")
    outer = uniform(images.shape[0], seed)
    edges = tf.where(outer < 0.5, brightest - images, images - darkest)
    return tf.clip_by_value((edges - 0.3) * (1.0 + 8.0 * tf.abs(outer - 0.5)), 0.0, 1.0)


def _stroked(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Take a broader or a finer pen."""
    import tensorflow as tf

    brightest, darkest = tf.nn.max_pool2d(images, 3, 1, "SAME"), -tf.nn.max_pool2d(-images, 3, 1, "SAME")
    amount = uniform(images.shape[0], seed, -0.8, 1.0)
    return images + tf.where(amount > 0, amount * (brightest - images), -amount * (darkest - images))


def _distant(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Step back: the digit has between 5/6 and half of its size, anywhere near the centre."""
    import keras
    import tensorflow as tf

    count, seeds = images.shape[0], tf.random.split(seed, 2)
    factor = tf.random.stateless_uniform((count,), seeds[0], 1.2, 2.0)  # from output to input pixels
    right, down = tf.unstack(tf.random.stateless_uniform((2, count), seeds[1], -3.0, 3.0))
    zero = tf.zeros_like(factor)
    kept = 13.5 * (1.0 - factor)
    moves = tf.stack([factor, zero, kept + right, zero, factor, kept + down, zero, zero], axis=1)
    return keras.ops.image.affine_transform(images, moves, interpolation="bilinear")


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
    "warped": WARP,
    "distant": _distant,
}
"""Name -> function of images, float (n, 28, 28, 1), 0..1, and a seed, int (2,), to images that may leave 0..1."""
