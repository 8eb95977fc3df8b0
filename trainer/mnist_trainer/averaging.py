"""`finish_average`: a model becomes the running average of itself.

The optimiser keeps the average (B. T. Polyak, A. B. Juditsky, "Acceleration of Stochastic Approximation by Averaging",
1992), see `Recipe.average`. It keeps none of the batch normalisations' statistics, which belong to the weights of the
last steps: they are computed afresh (P. Izmailov and others, "Averaging Weights Leads to Wider Optima", 2018).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = ["finish_average", "refresh_statistics"]


def finish_average(model: keras.Model, batches: Iterable[tuple[tf.Tensor, tf.Tensor]]) -> None:
    """Give `model` the average that its optimiser kept, and the statistics of `batches` of training images."""
    model.optimizer.finalize_variable_values(model.trainable_variables)
    refresh_statistics(model, batches)


def refresh_statistics(model: keras.Model, batches: Iterable[tuple[tf.Tensor, tf.Tensor]]) -> None:
    """Set the mean and variance of every batch normalisation of `model` to their plain means over `batches`.

    The layers of `model` see what they see in training, dropout included.
    """
    import keras

    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [norm.momentum for norm in norms]
    for number, (images, _) in enumerate(batches):
        for norm in norms:
            norm.momentum = number / (number + 1)  # so that each batch counts alike
        model(images, training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
