"""Operators with weights: convolutions and dense layers."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from mnist_exporters.formats.c.graph import Array
from mnist_exporters.formats.c.operators.context import LARGEST, Context, Lowered
from mnist_exporters.formats.c.operators.windows import window_settings
from mnist_runtime.backends.numpy_int8.fixed_point import quantized_multiplier

__all__ = ["convolution", "dense", "depthwise"]

MOST_SUM_BITS = 44
"""Largest number of bits in an accumulator of 16-bit inputs. Its product with a part of a factor must fit 64 bits."""
PART_BITS = 18
"""Bits in one part of a rescaling factor. Three parts hold the 53 bits of a float64."""


def convolution(context: Context) -> Lowered:
    """Lower CONV_2D, weights ``(channels, h, w, depth)``."""
    weights = _weights(context, 4)
    channels, high, wide, depth = weights.shape
    settings = _windows(context, (high, wide), 4)
    if context.image()[2] != depth:
        raise context.unsupported("in groups")
    matrix = weights.reshape(channels, -1)
    settings |= {"out_depth": channels, "pool_height": 1, "pool_width": 1}
    return context.step(
        "conv",
        {"weights": matrix, **_sums(context, matrix, 0), **settings, **_last_settings(context, 3)},
        scratch=2 * matrix.shape[1],
    )


def depthwise(context: Context) -> Lowered:
    """Lower DEPTHWISE_CONV_2D, weights ``(1, h, w, depth * times)``."""
    weights = _weights(context, 4)
    _, high, wide, channels = weights.shape
    settings = _windows(context, (high, wide), 5)
    depth = context.image()[2]
    if channels % depth:
        raise context.unsupported(f"with {channels} channels from {depth}")
    matrix = weights.reshape(-1, channels)
    sums = _sums(context, matrix.T, 3)
    return context.step(
        "depthwise", {"weights": matrix, **sums, **settings, "times": channels // depth, **_last_settings(context, 4)}
    )


def dense(context: Context) -> Lowered:
    """Lower FULLY_CONNECTED, weights ``(channels, k)``."""
    weights = _weights(context, 2)
    channels, k = weights.shape
    if context.value(0).size % k or context.node.operator.option(1, "b") != 0:
        raise context.unsupported(f"on {context.value(0).size} values with weights of shape {weights.shape}")
    rows = context.value(0).size // k
    counts: dict[str, int | Array] = {"rows": rows, "inputs": k, "outputs": channels}
    kernel = "dense_wide" if context.is_wide else "dense"
    sums = _sums(context, weights, 0)
    return context.step(kernel, {"weights": weights, **sums, **counts, **_last_settings(context, 0)})


def _weights(context: Context, axes: int) -> npt.NDArray[np.int8]:
    context.require_integers()
    weights = context.node.constant(1, "int8")
    if weights.ndim != axes:
        raise context.unsupported(f"with weights of shape {weights.shape}")
    return weights


def _last_settings(context: Context, activation: int) -> dict[str, int | Array]:
    """Return the settings at the end of the struct: input offset, and the output's zero point and bounds."""
    fused = context.node.operator.option(activation, "b")
    return {"offset": -context.zero_point(), **context.output_settings(fused)}


def _sums(context: Context, matrix: Array, axis: int) -> dict[str, int | Array]:
    """Return bias, multipliers and shifts of each channel; reject weights whose accumulator may overflow.

    `matrix` holds the weights (channels, k), and `axis` is the axis of the channels in the file.
    """
    node = context.node
    rows = matrix.astype(np.int64)
    bias = np.zeros(len(rows), np.int64)
    if node.has_input(2):
        bias = node.constant(2, node.input(2).dtype).astype(np.int64)
        if bias.shape != (len(rows),):
            raise context.unsupported(f"with a bias of shape {bias.shape} for {len(rows)} channels")
    (scale, zero_point), (out_scale, _) = node.quantization(node.input(0)), node.quantization(node.output)
    limits = np.iinfo(node.input(0).dtype)
    largest_input = max(limits.max - zero_point, zero_point - limits.min)
    # An upper bound for every partial sum, whatever the order of the additions.
    bounds = np.abs(bias) + largest_input * np.abs(rows).sum(axis=1)
    scales = np.broadcast_to(node.channel_scales(node.input(1), len(rows), axis), len(rows))
    if node.operator.name == "FULLY_CONNECTED" and node.input(1).scales.size == 1:
        reals = [float(scale * each) / float(out_scale) for each in scales]  # TFLite computes this product in float32
    else:
        reals = [float(scale) * float(each) / float(out_scale) for each in scales]
    if not context.is_wide:
        pairs = [context.multiplier(real, int(bound)) for real, bound in zip(reals, bounds, strict=True)]
        multipliers = np.array([each for each, _ in pairs], np.int32)
        return _arrays(bias.astype(np.int32), multipliers, [shift for _, shift in pairs])
    most = int(bounds.max(initial=0))
    if most >= 1 << MOST_SUM_BITS or (bounds * np.array(reals)).max(initial=0) > LARGEST / 2:
        raise context.unsupported(f"with sums up to {most}, which exceed {MOST_SUM_BITS} bits")
    bias = bias.astype(np.int32 if most <= LARGEST else np.int64)
    pairs = [quantized_multiplier(real) for real in reals]
    if node.operator.name == "FULLY_CONNECTED":
        return _arrays(bias, *_parts(reals))
    if max((shift for _, shift in pairs), default=0) > 7:
        raise context.unsupported("with factors above 128")
    reduced = [(each + (1 << 15)) >> 16 if each < 0x7FFF0000 else 0x7FFF for each, _ in pairs]
    return _arrays(bias, np.array(reduced, np.int16), [shift for _, shift in pairs])


def _parts(reals: list[float]) -> tuple[Array, list[int]]:
    """Split each factor into three integer parts, the lowest first, and a shift.

    TFLite's reference kernel computes with the factor in float64; the three parts give the same result.
    """
    pairs = [math.frexp(real) for real in reals]
    whole = [int(math.ldexp(fraction, 3 * PART_BITS)) for fraction, _ in pairs]
    parts = [[each >> (PART_BITS * place) & ((1 << PART_BITS) - 1) for place in range(3)] for each in whole]
    return np.array(parts, np.int32), [shift for _, shift in pairs]


def _arrays(bias: Array, multiplier: Array, shifts: list[int]) -> dict[str, int | Array]:
    return {"bias": bias, "multiplier": multiplier, "shift": np.array(shifts, np.int8)}


def _windows(context: Context, size: tuple[int, int], dilations: int) -> dict[str, int | Array]:
    """Return the settings of the windows of a convolution.

    `size` is (height, width). The options number `dilations` and `dilations + 1` hold the dilation in x and in y.
    """
    option = context.node.operator.option
    dilation = (option(dilations + 1, "i", 1), option(dilations, "i", 1))
    settings = window_settings(context, size, (option(2, "i"), option(1, "i")), option(0, "b"), dilation)
    return {**settings, "dilation_y": dilation[0], "dilation_x": dilation[1]}
