"""`sharpen`: the scores of a model become as sure as they are right.

Source: C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On Calibration of Modern Neural Networks", 2017.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras

__all__ = ["sharpen"]

FACTORS = np.geomspace(0.25, 16.0, 97)
"""What the logits may be multiplied by; each is 4.4 % more than the one before."""


def sharpen(model: keras.Model, images: npt.NDArray[Any], labels: npt.NDArray[np.integer[Any]]) -> float:
    """Multiply the logits of `model` by the factor under which `labels` are likeliest, and return it.

    The factor goes into the weights of the last layer, so that the model costs what it did; no answer changes.

    Parameters
    ----------
    model : keras.Model
        Its last layer is a dense one with a softmax.
    images : ndarray, float32
        What it takes; images that it was not trained on.
    labels : ndarray of shape (n,)
        The digits that they show.
    """
    logarithms = np.log(
        np.maximum(model.predict(images, batch_size=500, verbose=0), 1e-30)
    )  # logits, but for a constant
    rows = np.arange(len(labels))

    def surprise(factor: float) -> float:
        scaled = logarithms.astype(np.float64) * factor
        return float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[rows, labels]))

    factor = float(min(FACTORS, key=surprise))
    model.layers[-1].set_weights([weight * factor for weight in model.layers[-1].get_weights()])
    return factor
