"""Affine maps of images: random ones for data augmentation, and given ones."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

__all__ = ["affine_transform", "random_affine"]


def random_affine(
    images: tf.Tensor,
    seed: tf.Tensor,
    *,
    rotation: float,
    scale: float,
    shear: float,
    shift: float,
    fill_mode: str = "constant",
) -> tf.Tensor:
    """Apply a random affine map to each image, with one bilinear resampling.

    Parameters
    ----------
    images : tensor, float32 (n, h, w, c)
        Images.
    seed : tensor, int (2,)
        Seed of the random numbers.
    rotation, scale, shear, shift
        Limits, as in `mnist_trainer.recipes.augmentations.Augmentation`.
    fill_mode : str
        Value of the pixels outside of an image: ``"constant"`` for black, ``"nearest"`` for the nearest border pixel.

    Returns
    -------
    tensor, float32 (n, h, w, c)
        The transformed images.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.random.default_rng(0).random((1, 28, 28, 1), np.float32)
    >>> same = random_affine(image, [1, 2], rotation=0, scale=0, shear=0, shift=0)
    >>> bool(np.allclose(same, image, atol=1e-5))
    True
    """
    limits = tf.constant([math.radians(rotation), math.radians(shear), scale, scale, shift, shift])
    amounts = tf.random.stateless_uniform((tf.shape(images)[0], 6), seed, -1.0, 1.0) * limits
    angle, slant, wider, taller, right, down = tf.unstack(amounts, axis=1)
    # From output to input pixels: rotate, shear and scale about the center, then shift.
    a, b = tf.cos(angle) * (1 + wider), -tf.sin(angle + slant) * (1 + taller)
    c, d = tf.sin(angle) * (1 + wider), tf.cos(angle + slant) * (1 + taller)
    middle, center = ((images.shape[axis] - 1) / 2 for axis in (1, 2))  # of the rows, of the columns
    x = center - a * center - b * middle + right
    y = middle - c * center - d * middle + down
    return affine_transform(images, (a, b, x), (c, d, y), fill_mode)


def affine_transform(
    images: tf.Tensor,
    column: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
    row: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
    fill_mode: str = "constant",
) -> tf.Tensor:
    """Apply a given affine map to each image, with bilinear interpolation.

    Parameters
    ----------
    images : tensor, float32 (n, h, w, c)
        Images.
    column, row : tuple of three tensors, float32 (n,)
        Coefficients (a, b, c) of each image. The output pixel (x, y) takes the value of the input pixel in column
        a x + b y + c of `column` and in row a x + b y + c of `row`.
    fill_mode : str
        See `random_affine`.
    """
    zero = tf.zeros_like(column[0])
    transforms = tf.stack([*column, *row, zero, zero], axis=1)
    return keras.ops.image.affine_transform(images, transforms, interpolation="bilinear", fill_mode=fill_mode)
