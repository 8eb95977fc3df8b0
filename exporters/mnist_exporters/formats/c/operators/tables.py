"""Elementwise operators, most of them as a lookup table with 256 entries, and SOFTMAX."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from mnist_exporters.formats.c.graph import Array, Call, Step
from mnist_exporters.formats.c.operators.context import Context, Lowered
from mnist_runtime.backends.numpy_int8.backend import OPERATORS
from mnist_runtime.backends.numpy_int8.fixed_point import exp_of_negative, high_product, quantized_multiplier

__all__ = ["logistic", "quantize", "relu", "softmax", "table"]

ALL_BYTES = np.arange(256, dtype=np.uint8)
BYTES = ("int8", "uint8")


def table(context: Context) -> Lowered:
    """Lower an 8-bit operator to a lookup table, which the backend ``numpy`` computes."""
    values = context.source[1] if context.source else ALL_BYTES.view(context.node.input(0).dtype)
    return _of_table(context, OPERATORS[context.node.operator.name].prepare(context.node)([values]))


def quantize(context: Context) -> Lowered:
    """Lower QUANTIZE between integer types, or from a float32 function of an 8-bit tensor."""
    node = context.node
    types = node.input(0).dtype, node.output.dtype
    if types == ("int16", "int16"):
        scale, _ = node.quantization(node.input(0))
        out_scale, _ = node.quantization(node.output)
        return _requantize(context, float(scale) / float(out_scale), 0)
    if context.source and types == ("float32", "int16"):
        scale, zero_point = node.quantization(node.output)
        steps = (context.source[1] / scale).astype(np.float64)  # in float32, as in TFLite's reference kernel
        return _of_table(context, np.clip(_away_from_zero(steps) + zero_point, -32768, 32767).astype(np.int16))
    if not (context.source or types[0] in BYTES) or types[1] not in BYTES:
        raise context.unsupported(f"from {types[0]} to {types[1]}")
    return table(context)


def relu(context: Context) -> Lowered:
    """Lower RELU and RELU6."""
    node = context.node
    if not context.is_wide:
        return table(context)
    context.require_integers()
    (scale, _), (out_scale, _) = node.quantization(node.input(0)), node.quantization(node.output)
    return _requantize(context, float(scale / out_scale), 1 if node.operator.name == "RELU" else 3)  # in float32


def logistic(context: Context) -> Lowered:
    """Lower LOGISTIC: 8 bits with a lookup table, 16 bits with interpolation in a table."""
    if not context.is_wide:
        return table(context)
    context.require_integers()
    scale, zero_point = context.node.quantization(context.node.input(0))
    if zero_point != 0 or context.node.quantization(context.node.output) != (np.float32(2**-15), 0):
        raise context.unsupported("with other scales than 1/32768, or with zero points")
    multiplier, shift = _sigmoid_scale(float(scale))
    if not 0 < multiplier < 1 << 15:
        raise context.unsupported(f"of a scale of {scale}")
    settings: dict[str, int | Array] = {"table": _sigmoids(), "count": context.result.size}
    settings |= {"multiplier": multiplier, "shift": shift}
    return context.step("logistic_wide", settings, in_place=True)


def softmax(context: Context) -> Lowered:
    """Lower SOFTMAX."""
    context.require_integers()
    node = context.node
    scale, _ = node.quantization(node.input(0))
    depth = context.value(0).shape[-1]
    counts: dict[str, int | Array] = {"rows": context.value(0).size // depth, "depth": depth}
    beta = node.operator.option(0, "f")
    if depth > 4096:
        raise context.unsupported(f"of {depth} scores")
    if context.is_wide:
        if node.quantization(node.output) != (np.float32(2**-15), 0):
            raise context.unsupported("to another scale than 1/32768 with zero point 0")
        multiplier, shift = context.multiplier(float(scale) * beta / (10.0 / 65535.0), 1 << 17)
        tables = {"exponentials": _interpolated(np.exp, -10, 0), "inverses": _interpolated(lambda x: 1 / (1 + x), 0, 1)}
        settings = {**tables, "multiplier": multiplier, "shift": shift, **counts}
        return context.step("softmax_wide", settings, in_place=True)
    if node.quantization(node.output) != (np.float32(1 / 256), -128):
        raise context.unsupported("to another scale than 1/256 with zero point -128")
    exponentials = _exponentials(context, beta * float(scale))
    return context.step("softmax", {"exponentials": exponentials, "length": len(exponentials), **counts}, in_place=True)


def _exponentials(context: Context, step: float) -> npt.NDArray[np.int32]:
    """Return ``exp(-d * step)`` for d = 0, 1, ..., as integers with 31 fractional bits, without trailing zeros."""
    real = min(step * (1 << 26), (1 << 31) - 1.0)
    if not real > 1:
        raise context.unsupported(f"with a step of {real}")
    multiplier, shift = quantized_multiplier(real)
    distances = np.arange(256, dtype=np.int64)
    within = distances <= math.floor(31 * (1 << 26) / (1 << shift))
    found = exp_of_negative(high_product(-distances[within] << shift, multiplier))
    return found[: int(np.flatnonzero(found)[-1]) + 1].astype(np.int32)


def _of_table(context: Context, values: Array) -> Lowered:
    """Return a step that looks up `values` (256,); if these are floats, return them as a table for the next operator.

    `values` are in the order of the input's bytes, read as uint8.
    """
    if values.dtype.kind == "f":
        return Lowered(table=values)
    base = context.source[0] if context.source else context.inputs[0]
    count = context.result.size
    if np.array_equal(values.view(np.uint8), ALL_BYTES ^ 0x80):
        return Lowered(Step("flip", (Call((base,), {"count": count}),), context.output, in_place=True))
    same_size = values.dtype.itemsize == 1
    call = Call((base,), {"table": values, "count": count})
    return Lowered(Step("look_up", (call,), context.output, in_place=same_size))


def _requantize(context: Context, real: float, activation: int) -> Lowered:
    multiplier, shift = context.multiplier(real, 1 << 16)
    settings: dict[str, int | Array] = {"count": context.result.size, "multiplier": multiplier, "shift": shift}
    settings |= {"offset": -context.zero_point(), **context.output_settings(activation)}
    return context.step("requantize", settings, in_place=True)


def _sigmoid_scale(scale: float) -> tuple[int, int]:
    """Return multiplier and shift that turn an input's integers into multiples of 1 / (3 * 4096)."""
    power = round(math.log2(scale))
    if scale == 2.0**power and power >= -12:
        return 3 << (12 + power), 0
    multiplier, shift = scale * 4096 * 3, 0
    while multiplier <= 32767 / 2 and shift <= 30:
        shift += 1
        multiplier *= 2
    return int(multiplier), shift


def _sigmoids() -> npt.NDArray[np.uint16]:
    """Return the sigmoid of 0, 1/24, 2/24, ... as 256 integers with 16 fractional bits; beyond them, it counts as 1.

    Each entry is corrected by half of the interpolation error to the next one, as in TFLite's table of the sigmoid.
    """
    values: Array = 65536 / (1 + np.exp(-np.arange(513) / 48))
    places, middles = values[::2], values[1::2]
    corrected = places[:-1] + (middles - (places[:-1] + places[1:]) / 2) / 2
    corrected[-1] = 65535
    sigmoids: npt.NDArray[np.uint16] = np.floor(corrected + 0.5).astype(np.uint16)
    return sigmoids


def _interpolated(function: Callable[[Array], Array], low: float, high: float) -> npt.NDArray[np.int16]:
    """Return a function at 513 points from `low` to `high`, as integers with 15 fractional bits.

    Each entry is corrected by half of the interpolation error to the next one, as in TFLite.
    """
    step = (high - low) / 512
    places: Array = low + step * np.arange(513)
    values = function(places) * 32768
    rounded = _away_from_zero(values)
    middles = _away_from_zero(function(places[:-1] + step / 2) * 32768)
    errors = _away_from_zero((values[1:] + rounded[:-1]) / 2) - middles
    rounded[:-1] -= _away_from_zero(errors / 2)
    return np.clip(rounded, -32768, 32767).astype(np.int16)


def _away_from_zero(values: Array) -> Array:
    """Round to the nearest integer; ties are rounded away from zero."""
    return np.asarray(np.copysign(np.floor(np.abs(values) + 0.5), values))
