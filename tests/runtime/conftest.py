"""Fixtures of the tests of the runtime; they need neither the trainer nor the exporters."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image, ImageFont

os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"  # read once, when the process opens its first video


class Digits(NamedTuple):
    """Images (n, 28, 28) as in MNIST, and their labels (n,)."""

    images: np.ndarray
    labels: np.ndarray


@pytest.fixture(scope="session")
def legible() -> Digits:
    """Return two of each digit, in order, that the ready model reads with a confidence above 0.98.

    They are from the test split of scikit-learn's digits. Those were scanned with 8x8 pixels, and not all are legible.
    """
    with Image.open(Path(__file__).with_name("legible.png")) as picture:  # a column for each digit
        pixels = np.asarray(picture)
    images = pixels.reshape(2, 28, 10, 28).transpose(2, 0, 1, 3).reshape(20, 28, 28)
    return Digits(images, np.arange(20) // 2)


@pytest.fixture(scope="session")
def font() -> Callable[[int], ImageFont.FreeTypeFont]:
    """Return Pillow's own font, as a function of the size; skip where it has one size only."""
    try:
        ImageFont.load_default(10)
    except TypeError:
        pytest.skip("before version 10.1, Pillow has no font of any size")
    return ImageFont.load_default
