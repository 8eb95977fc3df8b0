"""The operators that treat each value for itself, by a table of all 256 of them, and ADD, MUL and SOFTMAX."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from mnist_runtime.backends.numpy_int8.fixed_point import (
    Integers,
    exp_of_negative,
    high_product,
    quantized_multiplier,
    reciprocal,
    rescale,
    shift_right,
)
from mnist_runtime.backends.numpy_int8.node import Array, Call, Kernel
from mnist_runtime.backends.tflite_format.model import Tensor

__all__ = ["add", "dequantize", "logistic", "multiply", "quantize", "relu", "relu6", "softmax"]

BYTES = ("int8", "uint8")


def quantize(call: Call) -> Kernel:
    """Prepare QUANTIZE to 8-bit integers, from others or from float32."""
    if call.input(0).dtype == "float32":
        return _quantize_floats(call)
    call.takes(BYTES, BYTES)
    input_scale, _ = call.affine(call.input(0))
    output_scale, _ = call.affine(call.output)
    return _table(call, _rescaled(call, float(input_scale) / float(output_scale), 0))


def _quantize_floats(call: Call) -> Kernel:
    call.takes(["float32"], BYTES)
    scale, zero_point = call.affine(call.output)
    limits = np.iinfo(call.output.dtype)

    def kernel(inputs: Sequence[Array]) -> Array:
        steps = (inputs[0] / scale).astype(np.float64)  # divided in float32, as the reference does; halves are exact
        away_from_zero = np.copysign(np.floor(np.abs(steps) + 0.5), steps)
        return np.asarray(np.clip(away_from_zero + zero_point, limits.min, limits.max), call.output.dtype)

    return kernel


def relu(call: Call) -> Kernel:
    """Prepare RELU."""
    return _relu(call, 1)


def relu6(call: Call) -> Kernel:
    """Prepare RELU6."""
    return _relu(call, 3)


def dequantize(call: Call) -> Kernel:
    """Prepare DEQUANTIZE to float32."""
    call.takes(BYTES, ["float32"])
    scale, zero_point = call.affine(call.input(0))
    return _table(call, lambda integers: ((integers - zero_point) * float(scale)).astype(np.float32))


def logistic(call: Call) -> Kernel:
    """Prepare LOGISTIC, which the reference computes in float32, once for each of the 256 values."""
    call.takes(["int8"], ["int8"])
    input_scale, input_zero_point = call.affine(call.input(0))
    output_scale, output_zero_point = call.affine(call.output)

    def entries(integers: Integers) -> Array:
        real = input_scale * (integers - input_zero_point).astype(np.float32)
        # By way of float64, for NumPy's own float32 exponential is one unit off here and there.
        exponential = np.exp(-np.maximum(real, np.float32(-80)).astype(np.float64)).astype(np.float32)
        steps = np.float32(1) / (np.float32(1) + exponential) * (np.float32(1) / output_scale)
        return np.asarray(np.clip(np.floor(steps + np.float32(0.5)) + output_zero_point, -128, 127), np.int8)

    return _table(call, entries)


def add(call: Call) -> Kernel:
    """Prepare ADD: both inputs are brought to one scale, with 20 more bits, by a table each."""
    first, second = _two(call)
    output_scale, zero_point = call.affine(call.output)
    twice = 2 * float(max(call.affine(tensor)[0] for tensor in (first, second)))
    tables = []
    for tensor in (first, second):
        scale, input_zero_point = call.affine(tensor)
        integers = (_all_values(tensor.dtype) - input_zero_point) << 20
        tables.append(rescale(integers, *quantized_multiplier(float(scale) / twice)))
    multiplier, shift = quantized_multiplier(twice / ((1 << 20) * float(output_scale)))
    low, high = call.bounds(call.operator.option(0, "b"))

    def run(inputs: Sequence[Array]) -> Array:
        _require_one_shape(call, inputs)
        terms = [table[values.view(np.uint8)] for table, values in zip(tables, inputs, strict=True)]
        steps = rescale(terms[0] + terms[1], multiplier, shift)
        return np.clip(steps + zero_point, low, high).astype(np.int8)

    return run


def multiply(call: Call) -> Kernel:
    """Prepare MUL."""
    first, second = _two(call)
    (scale, zero_point), (other_scale, other_zero_point) = call.affine(first), call.affine(second)
    output_scale, output_zero_point = call.affine(call.output)
    multiplier, shift = quantized_multiplier(float(scale * other_scale / output_scale))  # in float32
    low, high = call.bounds(call.operator.option(0, "b"))

    def run(inputs: Sequence[Array]) -> Array:
        _require_one_shape(call, inputs)
        product = (inputs[0].astype(np.int64) - zero_point) * (inputs[1].astype(np.int64) - other_zero_point)
        steps = rescale(product, multiplier, shift)
        return np.clip(steps + output_zero_point, low, high).astype(np.int8)

    return run


def softmax(call: Call) -> Kernel:
    """Prepare SOFTMAX: exponentials of the distance to the greatest score, from a table, by their sum."""
    call.takes(["int8"], ["int8"])
    scale, _ = call.affine(call.input(0))
    if call.affine(call.output) != (np.float32(1 / 256), -128):
        raise call.lacks("to another scale than 1/256 with zero point -128")
    real = min(call.operator.option(0, "f") * float(scale) * (1 << 26), (1 << 31) - 1.0)
    if not real > 1:
        raise call.lacks(f"with a step of {real} in its table, where it has more than 1")
    multiplier, shift = quantized_multiplier(real)
    distances = np.arange(256, dtype=np.int64)
    # So far below the greatest score that the fixed point would overflow: nothing.
    within = distances <= math.floor(31 * (1 << 26) / (1 << shift))
    exponentials = np.zeros(256, np.int64)
    exponentials[within] = exp_of_negative(high_product(-distances[within] << shift, multiplier))
    summands = shift_right(exponentials, 12)

    def run(inputs: Sequence[Array]) -> Array:
        scores = inputs[0].astype(np.int64)
        index = scores.max(axis=-1, keepdims=True) - scores
        inverse, bits = reciprocal(summands[index].sum(axis=-1, keepdims=True))
        steps = shift_right(high_product(exponentials[index], inverse), bits + 31 - 8) - 128
        return np.clip(steps, -128, 127).astype(np.int8)

    return run


def _relu(call: Call, activation: int) -> Kernel:
    call.takes(["int8"], ["int8"])
    input_scale, _ = call.affine(call.input(0))
    output_scale, _ = call.affine(call.output)
    return _table(call, _rescaled(call, float(input_scale / output_scale), activation))  # in float32


def _rescaled(call: Call, real: float, activation: int) -> Callable[[Integers], Array]:
    """Return the function that brings integers of the input to the scale of the output."""
    multiplier, shift = quantized_multiplier(real)
    low, high = call.bounds(activation)
    _, input_zero_point = call.affine(call.input(0))
    _, output_zero_point = call.affine(call.output)

    def entries(integers: Integers) -> Array:
        steps = rescale(integers - input_zero_point, multiplier, min(shift, 30)) + output_zero_point
        return np.clip(steps, low, high).astype(call.output.dtype)

    return entries


def _table(call: Call, entries: Callable[[Integers], Array]) -> Kernel:
    """Return the kernel that looks up what `entries` gives for each value of the input."""
    table = entries(_all_values(call.input(0).dtype))
    return lambda inputs: table[inputs[0].view(np.uint8)]


def _all_values(dtype: str) -> Integers:
    """Return the 256 values of an 8-bit type, in the order of their bits read as uint8."""
    values: npt.NDArray[np.uint8] = np.arange(256, dtype=np.uint8)
    return values.view(dtype).astype(np.int64)


def _two(call: Call) -> tuple[Tensor, Tensor]:
    """Return the two inputs, both int8."""
    call.takes(["int8"], ["int8"])
    first, second = call.input(0), call.input(1)
    if second.dtype != "int8":
        raise call.lacks(f"on {second.dtype}, where it has int8")
    return first, second


def _require_one_shape(call: Call, inputs: Sequence[Array]) -> None:
    """Refuse inputs of which neither has the shape of the result: a row and a column make a square of n images' n."""
    shape = np.broadcast_shapes(*(each.shape for each in inputs))
    if shape not in [each.shape for each in inputs]:
        raise call.lacks(f"on {inputs[0].shape} and {inputs[1].shape}, of which neither is the shape of the result")
