"""scikit-learn's 1,797 real handwritten digits, scaled to 28x28 pixels as in MNIST. They need no download.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
https://doi.org/10.24432/C50P49 (the test part, as scikit-learn contains it).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from sklearn.datasets import load_digits

from mnist_runtime import prepare
from mnist_trainer.data.dataset import Dataset, Splits, hold_out

__all__ = ["load"]

TEST_IMAGES = 1500
"""Number of test images. The other 297 are enough for calibration, and a larger test set gives a stronger proof."""


def load() -> Splits:
    """Load the digits. The 8x8 pixels with 17 gray levels are scaled and centered as a device does with any picture.

    Returns
    -------
    Splits
        297 training and 1,500 test images, the same at each call.

    Examples
    --------
    >>> train, test = load()
    >>> len(train), len(test)
    (297, 1500)
    """
    return hold_out(_whole(), TEST_IMAGES, seed=0, names=("train", "test"))


@cache  # preparing the pictures takes a second; each caller gets copies
def _whole() -> Dataset:
    bunch = load_digits()
    images = np.stack([prepare(image) for image in np.rint(bunch.images * (255 / 16)).astype(np.uint8)])
    provenance = "UCI optical digits (Alpaydin, Kaynak 1998) from scikit-learn, prepared by mnist_runtime"
    return Dataset("digits", "all", provenance, images, bunch.target.astype(np.uint8))
