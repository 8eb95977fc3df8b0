"""`confidence_threshold`: where the device stops guessing and says "no digit"."""

from __future__ import annotations

import numpy as np

from mnist_exporters.inputs.labelled_images import LabelledImages
from mnist_exporters.inputs.original import Original

__all__ = ["confidence_threshold"]

REFUSED = 0.005
"""Share of real digits for which the price of not guessing is paid: one in two hundred."""
DIGITS = 2000
"""Training images that are asked: ten of them lie below the threshold, and Keras answers in half a second."""


def confidence_threshold(original: Original, training: LabelledImages, seed: int) -> float:
    """Return the confidence that all but one in two hundred real digits reach.

    It comes from the training split, since a figure that is chosen may not come from the images that the proof reports
    on, and from the original, so that all files made of one model refuse the same pictures.

    Parameters
    ----------
    original : Original
        The model.
    training : LabelledImages
        Its training split, from which at most 2,000 images are drawn.
    seed : int
        Of the draw.

    Returns
    -------
    float
        0..1, rounded to four digits, so that the last bits of a sum do not change a file.
    """
    drawn = np.random.default_rng(seed).permutation(len(training.images))[:DIGITS]
    confidences = original.scores(training.images[drawn]).max(axis=1)
    return round(float(np.quantile(confidences, REFUSED)), 4)
