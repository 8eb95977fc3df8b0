"""`scaled_by_pixel`: detect a model that was trained with a different scaling for each pixel (StandardScaler)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mnist_exporters.inputs.labelled_images import LabelledImages
from mnist_exporters.inputs.original import Original
from mnist_exporters.inputs.original_model import OriginalModel

__all__ = ["CLEARLY_MORE", "ScaledByPixel", "scaled_by_pixel"]

CLEARLY_MORE = 0.03
"""Smallest gain in accuracy with a scaling per pixel, over one scaling for all pixels, that is reported."""


class ScaledByPixel(NamedTuple):
    """Finding: the model is far more accurate if each pixel is scaled by its own mean and standard deviation.

    Parameters
    ----------
    accuracy, own : float
        Fractions of right answers: `accuracy` with a scaling per pixel, `own` with the measured scaling.
    images : int
        Number of test images.
    shape : tuple of int
        Shape of the model's input, without the batch axis.
    scaling, options : str
        The measured scaling, and the command-line options that state it.
    """

    accuracy: float
    own: float
    images: int
    shape: tuple[int, ...]
    scaling: str
    options: str

    def __str__(self) -> str:
        """Return the message: the finding, and what to do."""
        axes = tuple(range(1, len(self.shape) + 1))
        return (
            "Each pixel seems to have been scaled by its own mean and deviation (StandardScaler). With such a scaling "
            f"the original is right on {self.accuracy:.1%} of {self.images:,} test images, with pixels {self.scaling} "
            f"(measured) on {self.own:.1%}. A file has one scaling for all pixels. Put yours into the model: "
            f"model = keras.Sequential([keras.Input({self.shape}), keras.layers.Normalization(axis={axes}, "
            f"mean=mean.reshape{self.shape}, variance=std.reshape{self.shape} ** 2), model]), with mean = scaler.mean_ "
            "and std = scaler.scale_, and state the range of the pixels before it: --pixel-range 0..255 or 0..1. "
            f"If the measured scaling is right, state it: {self.options}."
        )


def scaled_by_pixel(original: OriginalModel, test: LabelledImages, training: LabelledImages) -> ScaledByPixel | None:
    """Measure the accuracy of a Keras model with each pixel scaled by its own mean and standard deviation.

    Mean and deviation come from the training images. Two variants are tried for pixels with a deviation of 0: division
    by 1 for these pixels, as in scikit-learn, and 1 added to all deviations.

    Returns
    -------
    ScaledByPixel or None
        None if the accuracy rises by less than `CLEARLY_MORE`, or if the scaling of the model was not measured but
        stated or recorded.
    """
    if not isinstance(original, Original) or original.range_origin != "measured" or len(training.images) == 0:
        return None
    mean = training.images.mean(axis=0, dtype=np.float64).astype(np.float32)
    deviation = training.images.std(axis=0, dtype=np.float64).astype(np.float32)
    accuracies = []
    for divisor in (np.where(deviation == 0, np.float32(1), deviation), deviation + 1):
        pixels = ((test.images - mean) / divisor).astype(np.float32)
        answers = original.scores_of_scaled(pixels).argmax(axis=1)
        accuracies.append(float((answers == test.labels).mean()))
    own = float((original.raw_scores(test.images).argmax(axis=1) == test.labels).mean())
    if max(accuracies) < own + CLEARLY_MORE:
        return None
    scaling, shape = original.scaling, tuple(original.model.input_shape[1:])
    return ScaledByPixel(max(accuracies), own, len(test.images), shape, scaling.name, scaling.options)
