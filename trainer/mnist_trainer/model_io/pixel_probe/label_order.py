"""`in_other_order`: find the order of a model's scores, if only that order keeps it from being right."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from mnist_trainer.data.dataset import Labels
from mnist_trainer.recipes.pixel_scaling import PixelScaling

__all__ = ["in_other_order"]

Floats = npt.NDArray[np.float32]

READ_WELL, MISREAD = 0.6, 0.5
"""Least accuracy with labels in another order, and largest with the known order, from which the other one is taken."""

IMAGES_OF_CLASS = 10
"""Images for each class, on average, that are needed. From fewer, an order that fits is found for any answers."""


def in_other_order(logits: Mapping[PixelScaling, Floats], labels: Labels) -> npt.NDArray[np.intp] | None:
    """Return the score that stands for each label, if the model reads well in that order and badly in the known one.

    A model whose scores are in another order is right on few images under every convention, and on more under a wrong
    one than under its own. Only the other order shows which one is its own.

    Parameters
    ----------
    logits : mapping of PixelScaling to ndarray of shape (n, k), dtype float32
        Scores under each convention.
    labels : ndarray of shape (n,), dtype int64
        Labels of the images.
    """
    from scipy.optimize import linear_sum_assignment

    answers = [scores.argmax(axis=1) for scores in logits.values() if np.isfinite(scores).all()]
    if not answers or max(float((each == labels).mean()) for each in answers) > MISREAD:
        return None
    classes = next(iter(logits.values())).shape[1]
    if len(labels) < IMAGES_OF_CLASS * classes:
        return None
    found, most = None, READ_WELL
    for each in answers:
        counts = np.zeros((classes, classes), np.int64)
        np.add.at(counts, (labels, each), 1)
        order = linear_sum_assignment(-counts)[1]
        accuracy = float((order[labels] == each).mean())
        if accuracy > most:
            found, most = order, accuracy
    return found
