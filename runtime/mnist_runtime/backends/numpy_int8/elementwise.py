"""Element-wise operators, by a look-up table of all 256 values; and ADD, MUL and SOFTMAX."""

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
from mnist_runtime.backends.numpy_int8.node import Array, Kernel, Node
from mnist_runtime.backends.tflite_format.model import Tensor

__all__ = ["add", "dequantize", "logistic", "multiply", "quantize", "relu", "relu6", "softmax"]

BYTES = ("int8", "uint8")


def quantize(node: Node) -> Kernel:
    """Prepare QUANTIZE to 8-bit integers, from 8-bit integers or float32."""
    if node.input(0).dtype == "float32":
        return _quantize_floats(node)
    node.require_dtypes(BYTES, BYTES)
    input_scale, _ = node.quantization(node.input(0))
    output_scale, _ = node.quantization(node.output)
    return _table(node, _rescaled(node, float(input_scale) / float(output_scale), 0))


def _quantize_floats(node: Node) -> Kernel:
    node.require_dtypes(["float32"], BYTES)
    scale, zero_point = node.quantization(node.output)
    limits = np.iinfo(node.output.dtype)

    def kernel(inputs: Sequence[Array]) -> Array:
        steps = (inputs[0] / scale).astype(np.float64)  # division in float32, as in the reference
        away_from_zero = np.copysign(np.floor(np.abs(steps) + 0.5), steps)
        return np.asarray(np.clip(away_from_zero + zero_point, limits.min, limits.max), node.output.dtype)

    return kernel


def relu(node: Node) -> Kernel:
    """Prepare RELU."""
    return _relu(node, 1)


def relu6(node: Node) -> Kernel:
    """Prepare RELU6."""
    return _relu(node, 3)


def dequantize(node: Node) -> Kernel:
    """Prepare DEQUANTIZE to float32."""
    node.require_dtypes(BYTES, ["float32"])
    scale, zero_point = node.quantization(node.input(0))
    return _table(node, lambda integers: ((integers - zero_point) * float(scale)).astype(np.float32))


def logistic(node: Node) -> Kernel:
    """Prepare LOGISTIC, in float32 as in the reference."""
    node.require_dtypes(["int8"], ["int8"])
    input_scale, input_zero_point = node.quantization(node.input(0))
    output_scale, output_zero_point = node.quantization(node.output)

    def entries(integers: Integers) -> Array:
        real = input_scale * (integers - input_zero_point).astype(np.float32)
        # In float64, because NumPy's float32 exponential is sometimes off in the last bit.
        exponential = np.exp(-np.maximum(real, np.float32(-80)).astype(np.float64)).astype(np.float32)
        steps = np.float32(1) / (np.float32(1) + exponential) * (np.float32(1) / output_scale)
        return np.asarray(np.clip(np.floor(steps + np.float32(0.5)) + output_zero_point, -128, 127), np.int8)

    return _table(node, entries)


def add(node: Node) -> Kernel:
    """Prepare ADD. A table for each input converts it to a common scale with 20 more bits."""
    first, second = _int8_inputs(node)
    output_scale, zero_point = node.quantization(node.output)
    twice = 2 * float(max(node.quantization(tensor)[0] for tensor in (first, second)))
    tables = []
    for tensor in (first, second):
        scale, input_zero_point = node.quantization(tensor)
        integers = (_all_values(tensor.dtype) - input_zero_point) << 20
        tables.append(rescale(integers, *quantized_multiplier(float(scale) / twice)))
    multiplier, shift = quantized_multiplier(twice / ((1 << 20) * float(output_scale)))
    low, high = node.bounds(node.operator.option(0, "b"))

    def run(inputs: Sequence[Array]) -> Array:
        _check_shapes(node, inputs)
        terms = [table[values.view(np.uint8)] for table, values in zip(tables, inputs, strict=True)]
        steps = rescale(terms[0] + terms[1], multiplier, shift)
        return np.clip(steps + zero_point, low, high).astype(np.int8)

    return run


def multiply(node: Node) -> Kernel:
    """Prepare MUL."""
    first, second = _int8_inputs(node)
    (scale, zero_point), (other_scale, other_zero_point) = (
        node.quantization(first),
        node.quantization(second),
    )
    output_scale, output_zero_point = node.quantization(node.output)
    multiplier, shift = quantized_multiplier(float(scale * other_scale / output_scale))  # in float32
    low, high = node.bounds(node.operator.option(0, "b"))

    def run(inputs: Sequence[Array]) -> Array:
        _check_shapes(node, inputs)
        product = (inputs[0].astype(np.int64) - zero_point) * (inputs[1].astype(np.int64) - other_zero_point)
        steps = rescale(product, multiplier, shift)
        return np.clip(steps + output_zero_point, low, high).astype(np.int8)

    return run


def softmax(node: Node) -> Kernel:
    """Prepare SOFTMAX, with a table of the exponentials of the distance to the largest score."""
    node.require_dtypes(["int8"], ["int8"])
    scale, _ = node.quantization(node.input(0))
    if node.quantization(node.output) != (np.float32(1 / 256), -128):
        raise node.unsupported("to another scale than 1/256 with zero point -128")
    real = min(node.operator.option(0, "f") * float(scale) * (1 << 26), (1 << 31) - 1.0)
    if not real > 1:
        raise node.unsupported(f"with a step of {real}, only above 1")
    multiplier, shift = quantized_multiplier(real)
    distances = np.arange(256, dtype=np.int64)
    # At larger distances the fixed-point number would overflow; the exponential is 0.
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


def _relu(node: Node, activation: int) -> Kernel:
    node.require_dtypes(["int8"], ["int8"])
    input_scale, _ = node.quantization(node.input(0))
    output_scale, _ = node.quantization(node.output)
    return _table(node, _rescaled(node, float(input_scale / output_scale), activation))  # in float32


def _rescaled(node: Node, real: float, activation: int) -> Callable[[Integers], Array]:
    """Return the function that rescales input integers to output integers."""
    multiplier, shift = quantized_multiplier(real)
    low, high = node.bounds(activation)
    _, input_zero_point = node.quantization(node.input(0))
    _, output_zero_point = node.quantization(node.output)

    def entries(integers: Integers) -> Array:
        steps = rescale(integers - input_zero_point, multiplier, min(shift, 30)) + output_zero_point
        return np.clip(steps, low, high).astype(node.output.dtype)

    return entries


def _table(node: Node, entries: Callable[[Integers], Array]) -> Kernel:
    table = entries(_all_values(node.input(0).dtype))
    return lambda inputs: table[inputs[0].view(np.uint8)]


def _all_values(dtype: str) -> Integers:
    """Return the 256 values of an 8-bit type, ordered by their bits as uint8."""
    values: npt.NDArray[np.uint8] = np.arange(256, dtype=np.uint8)
    return values.view(dtype).astype(np.int64)


def _int8_inputs(node: Node) -> tuple[Tensor, Tensor]:
    node.require_dtypes(["int8"], ["int8"])
    first, second = node.input(0), node.input(1)
    if second.dtype != "int8":
        raise node.unsupported(f"on {second.dtype}, only on int8")
    return first, second


def _check_shapes(node: Node, inputs: Sequence[Array]) -> None:
    """Reject shapes that broadcast to a third one: n images could give n * n values."""
    shape = np.broadcast_shapes(*(each.shape for each in inputs))
    if shape not in [each.shape for each in inputs]:
        raise node.unsupported(
            f"on {inputs[0].shape} and {inputs[1].shape}, neither of which is the shape of the result"
        )
