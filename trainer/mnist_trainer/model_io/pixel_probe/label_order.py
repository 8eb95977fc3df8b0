"""`in_other_order`: detect a model whose scores are in another order than the labels, and find that order."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from mnist_trainer.data.dataset import Labels
from mnist_trainer.recipes.pixel_scaling import PixelScaling

__all__ = ["in_other_order"]

Floats = npt.NDArray[np.float32]

READ_WELL, MISREAD = 0.6, 0.5
"""Another order is accepted if the accuracy with it is at least the first number, and with the known order at most the
second."""

IMAGES_OF_CLASS = 10
"""Mean number of images per class that is needed. With fewer, some order fits even random answers."""


def in_other_order(logits: Mapping[PixelScaling, Floats], labels: Labels) -> npt.NDArray[np.intp] | None:
    """Return the index of the score for each label, if the model is accurate in that order but not in the known one.

    With the wrong order of scores, the accuracy is low under every convention, and the highest one may belong to a
    wrong convention. The right convention can be found only with the right order.

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
