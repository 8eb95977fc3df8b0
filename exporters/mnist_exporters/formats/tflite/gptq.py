"""`round_weights`: weights on a grid of four bits, rounded so that the layer's outputs change least."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["LEVELS", "round_weights"]

LEVELS = 7
"""Steps to either side of zero. Four bits have an eighth below, which not every kernel computes rightly."""

CLIPPINGS = np.linspace(0.4, 1.0, 31)
"""Shares of a channel's largest weight that are tried as the end of its grid."""

DAMPING = 0.01
"""Share of the inputs' mean power that is added to each, so that a pixel which is never lit divides nothing by zero."""

Floats = npt.NDArray[np.float64]


def round_weights(weights: Floats, moments: Floats) -> tuple[Floats, Floats]:
    """Round each weight to the nearest step of its channel, the later ones making up for the errors of the earlier.

    What matters is not the error of a weight but that of the output, whose mean square is ``e @ moments @ e`` for the
    errors ``e`` of a channel. So each channel gets the grid on which that is smallest, and each rounded weight moves
    those that are not yet rounded to where they undo most of its error.

    Source: E. Frantar, S. Ashkboos, T. Hoefler, D. Alistarh, "GPTQ: Accurate Post-Training Quantization for Generative
    Pre-trained Transformers", ICLR 2023, with a grid of its own for each channel.

    Parameters
    ----------
    weights : ndarray of shape (channels, n), dtype float64
        Of one layer.
    moments : ndarray of shape (n, n), dtype float64
        Mean of ``outer(x, x)`` over the inputs ``x`` that the layer is given.

    Returns
    -------
    rounded : ndarray of shape (channels, n), dtype float64
        Whole multiples, `LEVELS` at most, of each channel's scale.
    scales : ndarray of shape (channels,), dtype float64

    Examples
    --------
    >>> rounded, scales = round_weights(np.array([[0.7, -0.34, 0.26]]), np.eye(3))
    >>> np.rint(rounded / scales[:, None])
    array([[ 7., -3.,  3.]])
    """
    scales = _scales(weights, moments)
    power = float(np.mean(np.diag(moments)))
    damped = moments + (DAMPING * power or 1.0) * np.eye(len(moments))
    undoing = np.linalg.cholesky(np.linalg.inv(damped)).T
    left, rounded = weights.copy(), np.empty_like(weights)
    for n in range(weights.shape[1]):
        rounded[:, n] = _nearest(left[:, n], scales)
        error = (left[:, n] - rounded[:, n]) / undoing[n, n]
        left[:, n + 1 :] -= np.outer(error, undoing[n, n + 1 :])
    return rounded, scales


def _nearest(weights: Floats, scales: Floats) -> Floats:
    steps: Floats = np.clip(np.rint(weights / scales), -LEVELS, LEVELS)
    return steps * scales


def _scales(weights: Floats, moments: Floats) -> Floats:
    largest = np.abs(weights).max(axis=1, keepdims=True) / LEVELS
    largest[largest == 0] = 1.0
    candidates = CLIPPINGS[:, None, None] * largest
    costs = []
    for scales in candidates:
        errors = weights - _nearest(weights, scales)
        costs.append(np.sum((errors @ moments) * errors, axis=1))
    best = np.argmin(costs, axis=0)
    chosen: Floats = candidates[best, np.arange(len(weights)), 0]
    return chosen
