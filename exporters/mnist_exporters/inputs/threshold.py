"""`confidence_threshold`: the confidence below which a device reports "no digit"."""

from __future__ import annotations

import numpy as np

from mnist_exporters.inputs.labelled_images import LabelledImages
from mnist_exporters.inputs.original_model import OriginalModel

__all__ = ["confidence_threshold"]

REJECTED = 0.005
"""Fraction of real digits that fall below the threshold: one in two hundred."""
IMAGES = 2000
"""Training images to classify: ten of them fall below the threshold, and Keras needs half a second."""


def confidence_threshold(original: OriginalModel, training: LabelledImages, seed: int) -> float:
    """Return the confidence that all but one in two hundred real digits reach.

    It comes from training images, because the test images must not influence what they prove, and from the original, so
    that all files made from one model reject the same pictures.

    Parameters
    ----------
    original : OriginalModel
        The model.
    training : LabelledImages
        The training split of the data. At most 2,000 of its images are used.
    seed : int
        Seed of the random draw.

    Returns
    -------
    float
        0..1, rounded to four digits, so that the last bits of a sum do not change a file.
    """
    drawn = np.random.default_rng(seed).permutation(len(training.images))[:IMAGES]
    confidences = original.scores(training.images[drawn]).max(axis=1)
    return round(float(np.quantile(confidences, REJECTED)), 4)
