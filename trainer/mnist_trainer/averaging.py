"""`WeightAverage`: the running average of a model's weights while it trains, and `refresh_statistics` for it.

Sources: B. T. Polyak, A. B. Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992; P. Izmailov and
others, "Averaging Weights Leads to Wider Optima and Better Generalization", 2018, for the statistics. Not the `use_ema`
of Keras's optimisers, for which every end of `fit`, here of each epoch, puts the average in the place of the weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = ["WeightAverage", "refresh_statistics"]


class WeightAverage:
    """The trainable weights of `model`, averaged exponentially over about `steps` steps.

    Parameters
    ----------
    model : keras.Model
        Whose weights.
    steps : float
        After so many, a step counts 37 % of what a new one does.
    every : int
        How many steps lie between two looks at the weights.

    Attributes
    ----------
    values : list of ndarray
        The average, in the order of ``model.trainable_variables``; empty before the first look.
    """

    def __init__(self, model: keras.Model, steps: float, every: int) -> None:
        self._model, self._momentum = model, math.exp(-every / steps)
        self.values: list[npt.NDArray[Any]] = []

    def look(self) -> None:
        """Take what the weights are now into the average."""
        now = [variable.numpy() for variable in self._model.trainable_variables]
        before = self.values or now
        self.values = [self._momentum * old + (1 - self._momentum) * new for old, new in zip(before, now, strict=True)]

    def follow(self) -> keras.callbacks.Callback:
        """Return what looks as often as `fit` stops for it."""
        import keras

        average = self

        class Follow(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
                average.look()

        return Follow()

    def settle(self, batches: Iterable[tuple[tf.Tensor, tf.Tensor]]) -> None:
        """Give the model the average, and the batch statistics that belong to it, over `batches` of training images."""
        for variable, value in zip(self._model.trainable_variables, self.values, strict=True):
            variable.assign(value)
        refresh_statistics(self._model, batches)


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
