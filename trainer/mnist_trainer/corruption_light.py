"""Corruptions of light; see `mnist_trainer.corruption`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["brightness", "fog"]

Images = npt.NDArray[np.float32]


def brightness(images: Images, rng: np.random.Generator, *, amount: float) -> Images:
    """Add `amount` to every pixel; what exceeds white is white."""
    del rng  # nothing is drawn
    return images + np.float32(amount)


def fog(images: Images, rng: np.random.Generator, *, amount: float, roughness: float) -> Images:
    """Mix with clouds: noise whose amplitude falls with the `roughness`-th power of the frequency.

    A plasma fractal by the diamond-square algorithm, of which the benchmark speaks, has such a spectrum.
    """
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(28), np.fft.fftfreq(28)))
    frequency[0, 0] = 1 / 28
    clouds = np.fft.ifft2(np.fft.fft2(rng.standard_normal(images.shape)) / frequency**roughness).real
    clouds -= clouds.min(axis=(1, 2), keepdims=True)
    clouds /= clouds.max(axis=(1, 2), keepdims=True)
    foggy: Images = ((images + amount * clouds) / (1 + amount)).astype(np.float32)
    return foggy
