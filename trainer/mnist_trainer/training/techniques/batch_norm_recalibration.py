"""`recalibrate_batch_norm`: batch normalisations get the statistics of the pictures that a device will see.

While a model is trained they are those of pictures that were turned, shifted, spoilt and so made softer, and of
features of which dropout takes some away. Digits as they are differ enough from these to cost accuracy.

Sources: P. Izmailov and others, "Averaging Weights Leads to Wider Optima and Better Generalization", 2018, take them
anew for averaged weights; H. Touvron and others, "Fixing the train-test resolution discrepancy", 2019, on augmentation;
X. Li and others, "Understanding the Disharmony between Dropout and Batch Normalization by Variance Shift", 2018.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras

__all__ = ["recalibrate_batch_norm"]

BATCH = 500
"""Images that are normalised together."""


def recalibrate_batch_norm(model: keras.Model, images: npt.NDArray[np.float32]) -> None:
    """Set the mean and variance of every batch normalisation of `model` to those over the batches of `images`.

    Each layer sees what those before it make with their new statistics, and without dropout.

    Parameters
    ----------
    model : keras.Model
        Changed in place; without batch normalisation it is left as it is.
    images : ndarray, float32
        What it takes: training images, unchanged.

    Examples
    --------
    >>> from mnist_trainer.architectures.registry import architecture
    >>> from mnist_trainer.data.load import load_data
    >>> tiny = architecture("tiny").build()
    >>> recalibrate_batch_norm(tiny, load_data("digits").train.pixels((28, 28, 1)))
    >>> scores = tiny.predict(load_data("digits").test.pixels((28, 28, 1)), verbose=0)
    """
    import keras

    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    if not norms:
        return
    drops = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    momenta, rates = [norm.momentum for norm in norms], [drop.rate for drop in drops]
    for drop in drops:
        drop.rate = 0.0
    for seen in range(0, len(images), BATCH):
        batch = images[seen : seen + BATCH]
        for norm in norms:
            norm.momentum = seen / (seen + len(batch))  # so that each image counts alike
        model(batch, training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    for drop, rate in zip(drops, rates, strict=True):
        drop.rate = rate
