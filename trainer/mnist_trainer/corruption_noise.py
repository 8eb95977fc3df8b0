"""Corruptions by grain; see `mnist_trainer.corruption`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["impulse_noise", "shot_noise"]

Images = npt.NDArray[np.float32]


def shot_noise(images: Images, rng: np.random.Generator, *, photons: float) -> Images:
    """Count light: a white pixel receives `photons` on average."""
    return rng.poisson(images * photons).astype(np.float32) / np.float32(photons)


def impulse_noise(images: Images, rng: np.random.Generator, *, share: float) -> Images:
    """Turn a `share` of the pixels black or white."""
    hit = rng.random(images.shape) < share
    return np.where(hit, rng.integers(0, 2, images.shape), images).astype(np.float32)
