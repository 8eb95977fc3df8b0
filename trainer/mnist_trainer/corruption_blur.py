"""Corruptions by blur; see `mnist_trainer.corruption`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["glass_blur", "motion_blur"]

Images = npt.NDArray[np.float32]


def glass_blur(images: Images, rng: np.random.Generator, *, sigma: float, reach: int) -> Images:
    """Swap each pixel with one at most `reach` away, between two Gaussian blurs."""
    from scipy.ndimage import gaussian_filter

    glass = gaussian_filter(images, (0, sigma, sigma))
    every = np.arange(len(glass))
    for row in range(reach, 28 - reach):
        for column in range(reach, 28 - reach):
            down, right = rng.integers(-reach, reach + 1, (2, len(glass)))
            there = (every, row + down, column + right)
            here = glass[:, row, column].copy()
            glass[:, row, column] = glass[there]
            glass[there] = here
    blurred: Images = gaussian_filter(glass, (0, sigma, sigma))
    return blurred


def motion_blur(images: Images, rng: np.random.Generator, *, length: int) -> Images:
    """Smear each image over `length` pixels in a direction of its own."""
    from scipy.ndimage import shift

    angles = rng.uniform(0, np.pi, len(images))
    steps = np.linspace(-length / 2, length / 2, length)
    smeared = [
        np.mean([shift(image, (step * np.sin(angle), step * np.cos(angle)), order=1) for step in steps], axis=0)
        for image, angle in zip(images, angles, strict=True)
    ]
    # Spread over a line, light is faint; a camera exposes until the digit is bright again.
    stacked = np.stack(smeared).astype(np.float32)
    exposed: Images = stacked / np.maximum(stacked.max(axis=(1, 2), keepdims=True), 0.25)
    return exposed
