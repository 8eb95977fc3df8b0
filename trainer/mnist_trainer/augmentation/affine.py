"""`Augmentation`: small random affine changes of the training images, one resampling an image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["AUGMENTATIONS", "Augmentation"]


@dataclass(frozen=True)
class Augmentation:
    """The limits of a random affine map; every amount is drawn evenly from plus to minus its limit.

    Parameters
    ----------
    rotation, shear : float
        Degrees.
    scale : float
        Relative change of width and of height, each drawn for itself.
    shift : float
        Pixels, each direction drawn for itself.
    """

    rotation: float
    scale: float
    shear: float
    shift: float

    def __call__(self, images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Change each of `images`, float (n, 28, 28, 1), as `seed`, int (2,), says.

        Examples
        --------
        >>> import numpy as np
        >>> still = Augmentation(rotation=0, scale=0, shear=0, shift=0)
        >>> image = np.random.default_rng(0).random((1, 28, 28, 1), np.float32)
        >>> bool(np.allclose(still(image, [1, 2]), image, atol=1e-5))
        True
        """
        import keras
        import tensorflow as tf

        limits = [
            math.radians(self.rotation),
            math.radians(self.shear),
            self.scale,
            self.scale,
            self.shift,
            self.shift,
        ]
        drawn = tf.random.stateless_uniform((tf.shape(images)[0], 6), seed, -1.0, 1.0) * tf.constant(limits)
        angle, shear, wider, taller, right, down = tf.unstack(drawn, axis=1)
        # From output to input pixels: rotate, shear and scale about the centre of the 28x28 grid, then shift.
        a, b = tf.cos(angle) * (1 + wider), -tf.sin(angle + shear) * (1 + taller)
        c, d = tf.sin(angle) * (1 + wider), tf.cos(angle + shear) * (1 + taller)
        centre = 13.5
        x = centre - a * centre - b * centre + right
        y = centre - c * centre - d * centre + down
        zero = tf.zeros_like(a)
        transforms = tf.stack([a, b, x, c, d, y, zero, zero], axis=1)
        return keras.ops.image.affine_transform(images, transforms, interpolation="bilinear")


AUGMENTATIONS: dict[str, Augmentation | None] = {
    "none": None,
    "light": Augmentation(rotation=6.0, scale=0.06, shear=6.0, shift=1.0),
    "strong": Augmentation(rotation=10.0, scale=0.10, shear=8.0, shift=1.5),
}
"""Name -> augmentation: `mlp` is trained with the light one, `cnn` with the strong one."""
