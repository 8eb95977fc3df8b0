"""GPTQ: round the weights of a layer to a 4-bit grid so that its outputs change least."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from mnist_runtime.backends.numpy_int8.node import same_padding

__all__ = ["LEVELS", "Floats", "input_moments", "patches", "round_weights"]

LEVELS = 7
"""Steps on each side of zero. Four bits also have -8, which not every kernel computes correctly."""

CLIPPINGS = np.linspace(0.4, 1.0, 31)
"""Fractions of a channel's largest weight to try as the largest value of its grid."""

DAMPING = 0.01
"""Fraction of the mean input power that is added to each input. Pixels that are always black have a power of zero,
which would cause a division by zero."""

BATCH = 20
"""Images per batch, which limits the memory for patches: 20 MB for a layer of `cnn`."""

Floats = npt.NDArray[np.float64]


def round_weights(weights: Floats, moments: Floats) -> tuple[Floats, Floats]:
    """Round the weights one after the other, and compensate each rounding error in the weights that follow.

    The mean squared error of an output is ``e @ moments @ e``, where ``e`` are the errors of a channel's weights. Each
    channel gets the grid with the smallest such error. After each rounding, the remaining weights of the channel are
    changed so that they cancel most of the error.

    Source: E. Frantar, S. Ashkboos, T. Hoefler, D. Alistarh, "GPTQ: Accurate Post-Training Quantization for Generative
    Pre-trained Transformers", ICLR 2023; here with one grid per channel.

    Parameters
    ----------
    weights : ndarray of shape (channels, n), dtype float64
        Weights of one layer.
    moments : ndarray of shape (n, n), dtype float64
        Mean of ``outer(x, x)`` over the inputs ``x`` of the layer.

    Returns
    -------
    rounded : ndarray of shape (channels, n), dtype float64
        Multiples of the channel's scale, from -`LEVELS` to `LEVELS`.
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
    correction = np.linalg.cholesky(np.linalg.inv(damped)).T
    remaining, rounded = weights.copy(), np.empty_like(weights)
    for n in range(weights.shape[1]):
        rounded[:, n] = _nearest(remaining[:, n], scales)
        error = (remaining[:, n] - rounded[:, n]) / correction[n, n]
        remaining[:, n + 1 :] -= np.outer(error, correction[n, n + 1 :])
    return rounded, scales


def input_moments(
    model: bytes, pixels: npt.NDArray[np.float32], operator: Any, shape: tuple[int, ...]
) -> Floats | None:
    """Run `model` on images, and compute the second moments of an operator's inputs.

    Parameters
    ----------
    model : bytes
        A ``.tflite`` model, float32 in and out.
    pixels : ndarray of shape (n, h, w, channels), dtype float32
        Inputs of `model`.
    operator : OperatorT
        A convolution or dense layer of the main graph.
    shape : tuple of int
        Shape of the operator's weights.

    Returns
    -------
    ndarray of shape (k, k), dtype float64, or None
        Mean of ``outer(x, x)``, where ``x`` are the k inputs of one output. None for grouped convolutions.
    """
    options = operator.builtinOptions
    interpreter = Interpreter(
        model_content=model,
        num_threads=1,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    source = interpreter.get_input_details()[0]["index"]
    total, count = np.zeros((0, 0)), 0
    for batch in np.array_split(pixels, -(-len(pixels) // BATCH)):
        interpreter.resize_tensor_input(source, batch.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(source, batch)
        interpreter.invoke()
        images = interpreter.get_tensor(operator.inputs[0]).astype(np.float64)
        if len(shape) == 4:
            if images.shape[-1] != shape[-1]:
                return None
            strides, dilations = (options.strideH, options.strideW), (options.dilationHFactor, options.dilationWFactor)
            inputs = patches(images, (shape[1], shape[2]), strides, dilations, same=options.padding == 0)
        else:
            inputs = images.reshape(-1, shape[1])
        total = inputs.T @ inputs if count == 0 else total + inputs.T @ inputs
        count += len(inputs)
    return total / count


def patches(
    images: Floats, kernel: tuple[int, int], strides: tuple[int, int], dilations: tuple[int, int], *, same: bool
) -> Floats:
    """Cut out the patches that a convolution multiplies with its kernel.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels), dtype float64
        Input of the convolution.
    kernel, strides, dilations : (int, int)
        Rows and columns.
    same : bool
        Whether the padding is "same"; see `same_padding`.

    Returns
    -------
    ndarray of shape (patches, rows * columns * channels), dtype float64
    """
    lengths = [1 + (length - 1) * gap for length, gap in zip(kernel, dilations, strict=True)]
    if same:
        images = np.pad(images, ((0, 0), *map(same_padding, images.shape[1:3], lengths, strides), (0, 0)))
    rows = np.lib.stride_tricks.sliding_window_view(images, lengths[0], axis=1)[:, :: strides[0]]
    windows = np.lib.stride_tricks.sliding_window_view(rows, lengths[1], axis=2)[:, :, :: strides[1]]
    places = windows[..., :: dilations[0], :: dilations[1]]
    flat: Floats = places.transpose(0, 1, 2, 4, 5, 3).reshape(-1, kernel[0] * kernel[1] * images.shape[-1])
    return flat


def _nearest(weights: Floats, scales: Floats) -> Floats:
    steps: Floats = np.clip(np.rint(weights / scales), -LEVELS, LEVELS)
    return steps * scales


def _scales(weights: Floats, moments: Floats) -> Floats:
    """Return the scale of each channel that gives the smallest output error."""
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
