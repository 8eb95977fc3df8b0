"""`temperature_scale`: calibration of a model's scores, so that they match its accuracy.

Sources: C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On Calibration of Modern Neural Networks", 2017; for the limit, the
one-standard-error rule of L. Breiman, J. Friedman, R. Olshen, C. Stone, "Classification and Regression Trees", 1984.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

__all__ = ["temperature_scale"]

FACTORS = np.geomspace(0.25, 16.0, 97)
"""Candidate factors for the logits; each is 4.4 % larger than the one before."""


def temperature_scale(model: keras.Model, images: npt.NDArray[Any], labels: npt.NDArray[np.integer[Any]]) -> float:
    """Multiply the logits of `model` by the factor that makes its scores match its accuracy.

    The best factor minimizes the negative log-likelihood of `labels`. The smallest factor within one standard error of
    that minimum is used. The reason is int8 output, which cannot distinguish scores above 255/256: if most digits have
    such scores, they can no longer be told apart from non-digits. The factor is multiplied into the weights of the last
    layer. The model's size, speed and answers stay the same.

    Parameters
    ----------
    model : keras.Model
        A model whose last layer is a dense layer with a softmax. Changed in place.
    images : ndarray, float32, of the model's input shape
        Images that were not used for training.
    labels : ndarray, integer (n,)
        Class numbers of the images.

    Returns
    -------
    float
        The factor, which is the inverse of the temperature.
    """
    scores = model.predict(images, batch_size=500, verbose=0)
    logits = np.log(np.maximum(scores, 1e-30)).astype(np.float64)  # logits, except for a constant per image
    rows = np.arange(len(labels))

    def losses(factor: float) -> npt.NDArray[np.float64]:
        """Return the negative log-likelihood of each label."""
        scaled = logits * factor
        found: npt.NDArray[np.float64] = np.log(np.exp(scaled).sum(axis=1)) - scaled[rows, labels]
        return found

    means = [losses(factor).mean() for factor in FACTORS]
    best = losses(FACTORS[int(np.argmin(means))])
    limit = best.mean() + best.std() / np.sqrt(len(labels))
    factor = float(FACTORS[int(np.argmax(np.array(means) <= limit))])
    model.layers[-1].set_weights([weight * factor for weight in model.layers[-1].get_weights()])
    return factor
