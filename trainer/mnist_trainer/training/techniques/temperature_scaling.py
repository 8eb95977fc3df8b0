"""`temperature_scale`: the scores of a model become as sure as they are right, and no surer than need be.

Sources: C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On Calibration of Modern Neural Networks", 2017; for the limit, L.
Breiman, J. Friedman, R. Olshen, C. Stone, "Classification and Regression Trees", 1984, the rule of one standard error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras

__all__ = ["temperature_scale"]

FACTORS = np.geomspace(0.25, 16.0, 97)
"""What the logits may be multiplied by; each is 4.4 % more than the one before."""


def temperature_scale(model: keras.Model, images: npt.NDArray[Any], labels: npt.NDArray[np.integer[Any]]) -> float:
    """Multiply the logits of `model` by a factor under which `labels` are about as likely as can be, and return it.

    It is the smallest that lies within one standard error of the likeliest: eight bits cannot tell apart scores
    above 255/256, and where most digits have those, little is left to tell a digit from what is none. The factor goes
    into the weights of the last layer, so that the model costs what it did; no answer changes.

    Parameters
    ----------
    model : keras.Model
        Its last layer is a dense one with a softmax.
    images : ndarray, float32
        What it takes; images that it was not trained on.
    labels : ndarray of shape (n,)
        The digits that they show.
    """
    scores = model.predict(images, batch_size=500, verbose=0)
    logits = np.log(np.maximum(scores, 1e-30)).astype(np.float64)  # but for a constant
    rows = np.arange(len(labels))

    def surprises(factor: float) -> npt.NDArray[np.float64]:
        scaled = logits * factor
        found: npt.NDArray[np.float64] = np.log(np.exp(scaled).sum(axis=1)) - scaled[rows, labels]
        return found

    means = [surprises(factor).mean() for factor in FACTORS]
    likeliest = surprises(FACTORS[int(np.argmin(means))])
    limit = likeliest.mean() + likeliest.std() / np.sqrt(len(labels))
    factor = float(FACTORS[int(np.argmax(np.array(means) <= limit))])
    model.layers[-1].set_weights([weight * factor for weight in model.layers[-1].get_weights()])
    return factor
