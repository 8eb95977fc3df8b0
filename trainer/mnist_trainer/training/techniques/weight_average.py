"""`EMA`: the running average of a model's weights while it trains.

Source: B. T. Polyak, A. B. Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992. Not the `use_ema`
of Keras's optimisers, for which every end of `fit`, here of each epoch, puts the average in the place of the weights.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

if TYPE_CHECKING:
    import keras

__all__ = ["EMA"]


class EMA:
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

    def settle(self) -> None:
        """Give the model the average."""
        for variable, value in zip(self._model.trainable_variables, self.values, strict=True):
            variable.assign(value)
