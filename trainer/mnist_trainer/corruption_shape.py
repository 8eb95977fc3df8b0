"""Corruptions of shape and place; see `mnist_trainer.corruption`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["rotate", "scale", "shear", "translate"]

Images = npt.NDArray[np.float32]


def shear(images: Images, rng: np.random.Generator, *, limit: float) -> Images:
    """Lean by `limit` columns a row, to the left or to the right."""
    lean = limit * rng.choice([-1.0, 1.0], len(images))
    one, none = np.ones_like(lean), np.zeros_like(lean)
    return _mapped(images, np.stack([one, none, lean, one], axis=1))


def scale(images: Images, rng: np.random.Generator, *, factor: float) -> Images:
    """Shrink to `factor` of the size, about the centre."""
    del rng  # nothing is drawn
    return _mapped(images, np.tile([1 / factor, 0, 0, 1 / factor], (len(images), 1)))


def rotate(images: Images, rng: np.random.Generator, *, degrees: float) -> Images:
    """Turn by at least half of `degrees`, at most all, either way."""
    angle = np.radians(rng.uniform(degrees / 2, degrees, len(images))) * rng.choice([-1, 1], len(images))
    return _mapped(images, np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1))


def translate(images: Images, rng: np.random.Generator, *, pixels: int) -> Images:
    """Move by `pixels` in each direction, either way."""
    moved = np.zeros_like(images)
    for index, (down, right) in enumerate(rng.choice([-pixels, pixels], (len(images), 2))):
        source = images[index, max(0, -down) : 28 - max(0, down), max(0, -right) : 28 - max(0, right)]
        moved[index, max(0, down) : 28 - max(0, -down), max(0, right) : 28 - max(0, -right)] = source
    return moved


def _mapped(images: Images, matrices: npt.NDArray[np.float64]) -> Images:
    """Map the pixels of each image about its centre; a row of `matrices` leads from a new to an old (row, column)."""
    from scipy.ndimage import affine_transform

    centre = np.array([13.5, 13.5])
    return np.stack(
        [
            affine_transform(image, matrix, centre - matrix @ centre, order=1)
            for image, matrix in zip(images, matrices.reshape(-1, 2, 2), strict=True)
        ]
    )
