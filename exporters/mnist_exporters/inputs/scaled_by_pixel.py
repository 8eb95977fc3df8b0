"""`scaled_by_pixel`: whether a model was trained on pixels that were scaled each by numbers of its own."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mnist_exporters.inputs.labelled_images import LabelledImages
from mnist_exporters.inputs.original import Original
from mnist_exporters.inputs.original_model import OriginalModel

__all__ = ["CLEARLY_MORE", "ScaledByPixel", "scaled_by_pixel"]

CLEARLY_MORE = 0.03
"""How much more accurate a model must be with each pixel scaled by numbers of its own than with one scaling for all."""


class ScaledByPixel(NamedTuple):
    """A model that reads far better if each pixel is scaled by the mean and deviation that it has in training images.

    Parameters
    ----------
    accuracy, own : float
        Fraction of right answers with each pixel scaled by numbers of its own, and with the measured scaling.
    images : int
        Number of images.
    shape : tuple of int
        Shape of the model's input, without the batch.
    scaling, options : str
        The measured scaling, and the options that state it.
    """

    accuracy: float
    own: float
    images: int
    shape: tuple[int, ...]
    scaling: str
    options: str

    def __str__(self) -> str:
        """Return the finding and what to do."""
        axes = tuple(range(1, len(self.shape) + 1))
        return (
            f"Each pixel seems to have been scaled by its own mean and deviation (StandardScaler): so the original is "
            f"right on {self.accuracy:.1%} of {self.images:,} test images, but on {self.own:.1%} with pixels "
            f"{self.scaling} (measured). A file has one scaling for all pixels. Put yours into the model: "
            f"model = keras.Sequential([keras.Input({self.shape}), keras.layers.Normalization(axis={axes}, "
            f"mean=mean.reshape{self.shape}, variance=std.reshape{self.shape} ** 2), model]), with mean = scaler.mean_ "
            "and std = scaler.scale_, and state the range of the pixels before it: --pixel-range 0..255 or 0..1. "
            f"If the measured scaling is right, state it: {self.options}."
        )


def scaled_by_pixel(original: OriginalModel, test: LabelledImages, training: LabelledImages) -> ScaledByPixel | None:
    """Return how much better a Keras model of measured scaling reads `test` with each pixel scaled by its own numbers.

    Mean and deviation of each pixel are those of the training images. Pixels that are always the same are not divided,
    as in scikit-learn; others add 1 to each deviation.

    Returns
    -------
    ScaledByPixel or None
        None unless it is right on three points more.
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
