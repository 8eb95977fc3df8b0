"""`recalibrate_batch_norm`: batch normalization statistics from unchanged images, after training.

The statistics that training leaves behind come from images that were rotated, shifted, corrupted and blurred by
resampling, and from features with dropout. Unchanged digits have other statistics, and the difference costs accuracy.

Sources: P. Izmailov and others, "Averaging Weights Leads to Wider Optima and Better Generalization", 2018 (new
statistics for averaged weights); H. Touvron and others, "Fixing the train-test resolution discrepancy", 2019
(augmentation); X. Li and others, "Understanding the Disharmony between Dropout and Batch Normalization by Variance
Shift", 2018 (dropout).
"""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt

__all__ = ["BATCH", "recalibrate_batch_norm"]

BATCH = 500
"""Number of images in a batch."""


def recalibrate_batch_norm(model: keras.Model, images: npt.NDArray[np.float32]) -> None:
    """Set the mean and variance of every batch normalization to their averages over the batches of `images`.

    Each layer receives the outputs of the layers before it with their new statistics and without dropout.

    Parameters
    ----------
    model : keras.Model
        Changed in place. A model without batch normalization stays unchanged.
    images : ndarray, float32, of the model's input shape
        Training images without augmentation.

    Examples
    --------
    >>> from mnist_trainer.architectures.registry import architecture
    >>> from mnist_trainer.data.load import load_data
    >>> tiny = architecture("tiny").build()
    >>> recalibrate_batch_norm(tiny, load_data("digits").train.pixels((28, 28, 1)))
    >>> scores = tiny.predict(load_data("digits").test.pixels((28, 28, 1)), verbose=0)
    """
    layers = model._flatten_layers()  # of models inside the model too
    norms = [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]
    if not norms:
        return
    drops = [layer for layer in layers if isinstance(layer, keras.layers.Dropout)]
    momenta, rates = [norm.momentum for norm in norms], [drop.rate for drop in drops]
    try:
        for drop in drops:
            drop.rate = 0.0
        for seen in range(0, len(images), BATCH):
            batch = images[seen : seen + BATCH]
            for norm in norms:
                norm.momentum = seen / (seen + len(batch))  # gives every image the same weight
            model(batch, training=True)
    finally:  # a layer of a user may raise an error
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for drop, rate in zip(drops, rates, strict=True):
            drop.rate = rate
