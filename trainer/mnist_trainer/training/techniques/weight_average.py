"""`EMA`: exponential moving average of a model's weights during training.

Source: B. T. Polyak, A. B. Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992. Keras's own
`use_ema` does not fit: at the end of each `fit`, here of each epoch, it replaces the weights by the average.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy.typing as npt

__all__ = ["EMA"]


class EMA(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """A Keras callback that keeps the moving average of the trainable weights.

    `fit` calls it every `every` steps, which is the `steps_per_execution` of the model.

    Parameters
    ----------
    steps : float
        Time constant: number of steps after which the influence of a step has dropped to 37 %.
    every : int
        Number of steps between two updates.

    Attributes
    ----------
    values : list of ndarray
        The average, in the order of ``model.trainable_variables``; empty before the first update.
    """

    def __init__(self, steps: float, every: int) -> None:
        super().__init__()
        self._momentum = math.exp(-every / steps)
        self.values: list[npt.NDArray[Any]] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Update the average with the current weights."""
        now = [variable.numpy() for variable in self.model.trainable_variables]
        before = self.values or now
        self.values = [self._momentum * old + (1 - self._momentum) * new for old, new in zip(before, now, strict=True)]

    def apply(self, model: keras.Model) -> None:
        """Set the trainable weights of `model` to the average."""
        for variable, value in zip(model.trainable_variables, self.values, strict=True):
            variable.assign(value)
