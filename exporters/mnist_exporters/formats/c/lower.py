"""`lower`: turn the operators of an integer ``.tflite`` model into the steps of a `Program`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mnist_exporters.formats.c.fusion import with_fused_pooling
from mnist_exporters.formats.c.graph import Array, Program, Step, Value, unsupported
from mnist_exporters.formats.c.operators import arithmetic, sums, tables, windows
from mnist_exporters.formats.c.operators.context import Context, Lowered
from mnist_runtime.backends.base import QuantParams
from mnist_runtime.backends.numpy_int8.backend import OPERATORS
from mnist_runtime.backends.numpy_int8.node import Node
from mnist_runtime.backends.tflite_format.model import Tensor, TFLiteFile
from mnist_runtime.errors import ArtifactError

__all__ = ["LOWERINGS", "SHAPES", "lower"]

LOWERINGS: dict[str, Callable[[Context], Lowered]] = {
    "ADD": arithmetic.add,
    "AVERAGE_POOL_2D": windows.average_pool,
    "CONCATENATION": arithmetic.concatenate,
    "CONV_2D": sums.convolution,
    "DEPTHWISE_CONV_2D": sums.depthwise,
    "DEQUANTIZE": tables.table,
    "FULLY_CONNECTED": sums.dense,
    "LOGISTIC": tables.logistic,
    "MAX_POOL_2D": windows.max_pool,
    "MEAN": windows.mean,
    "MUL": arithmetic.multiply,
    "PAD": windows.pad,
    "QUANTIZE": tables.quantize,
    "RELU": tables.relu,
    "RELU6": tables.relu,
    "SOFTMAX": tables.softmax,
}
"""TFLite operator -> function that returns its step. RESHAPE needs no step; operators in `SHAPES` are computed here."""

ELEMENTWISE = ("DEQUANTIZE", "LOGISTIC", "QUANTIZE", "RELU", "RELU6", "SOFTMAX")
"""Operators whose output has the shape of their input."""

SHAPES = ("GATHER", "PACK", "REDUCE_PROD", "SHAPE", "STRIDED_SLICE")
"""Operators that compute shapes. For one image their results are constants."""


def lower(model: bytes) -> Program:
    """Turn a ``.tflite`` model into a program that classifies one image.

    Raises
    ------
    OperatorError
        If there is no kernel for an operator or for its settings.
    ArtifactError
        If the model is damaged.
    """
    file = TFLiteFile.read(model)
    (source,), (target,) = file.inputs, file.outputs
    values = {number: _value(tensor) for number, tensor in enumerate(file.tensors)}
    steps: list[Step] = []
    same: dict[int, int] = {}
    functions: dict[int, tuple[int, Array]] = {}  # float32 tensor -> its 8-bit source and the 256 values
    for operator in file.operators:
        if len(operator.outputs) != 1:
            raise unsupported(operator.name, f"with {len(operator.outputs)} outputs, only with one")
        output = operator.outputs[0]
        inputs = tuple(file.tensors[number] if number >= 0 else None for number in operator.inputs)
        node = Node(operator, inputs, file.tensors[output])
        if operator.name in SHAPES or node.output.dtype == "int32":
            values[output] = _computed(node, operator.inputs, values)
        elif operator.name == "RESHAPE":
            same[output] = same.get(operator.inputs[0], operator.inputs[0])
            values[output] = dataclasses.replace(values[output], shape=_reshaped(node, operator.inputs, values))
        elif operator.name not in LOWERINGS:
            raise unsupported(operator.name, f"(it has {', '.join(LOWERINGS)})")
        else:
            first = same.get(operator.inputs[0], operator.inputs[0])
            values[output] = dataclasses.replace(values[output], shape=_shape(node, operator.inputs[0], values))
            context = Context(node, operator.inputs, output, values, functions.get(first))
            lowered = LOWERINGS[operator.name](context)
            if lowered.step is not None:
                steps.append(lowered.step)
            if lowered.table is not None:
                functions[output] = (context.source[0] if context.source else first, lowered.table)
    program = Program(
        values=values,
        steps=tuple(steps),
        input=source,
        output=target,
        scores=_scores(file.tensors[target]),
        activation=_activation(steps, values, target),
        same=same,
    )
    _check(program)
    return with_fused_pooling(program)


def _value(tensor: Tensor) -> Value:
    constant = tensor.values if tensor.is_constant and tensor.dtype in ("int8", "int16", "int32") else None
    if constant is not None:
        return Value(constant.shape, tensor.dtype, constant)
    return Value(tensor.shape, tensor.dtype)


def _reshaped(node: Node, inputs: Sequence[int], values: Mapping[int, Value]) -> tuple[int, ...]:
    """Return the output shape of RESHAPE, from its second input or, without one, from its options."""
    size = values[inputs[0]].size
    if node.has_input(1):
        sides = values[inputs[1]].constant
        if sides is None:
            raise unsupported("RESHAPE", "to a shape that depends on the image")
        shape = [int(side) for side in sides.ravel()]
    else:
        options = node.operator.options
        shape = [] if options is None else options.numbers(0, "int32", 8).tolist()
    rest = math.prod(side for side in shape if side != -1)
    shape = [side if side != -1 else size // max(rest, 1) for side in shape]
    if math.prod(shape) != size or min(shape, default=1) < 1:
        raise unsupported("RESHAPE", f"of {size} values to {shape}")
    return tuple(shape)


def _shape(node: Node, first: int, values: Mapping[int, Value]) -> tuple[int, ...]:
    """Return the shape of an operator's output.

    The shape in the file may be wrong: where an axis grows with the batch size, as in a dense layer that is applied to
    each pixel, the converter stores 1.
    """
    before = values[first].shape
    if node.operator.name in ELEMENTWISE:
        return before
    if node.operator.name == "FULLY_CONNECTED":
        channels, k = node.input(1).shape if len(node.input(1).shape) == 2 else (0, 0)
        keeps_axes = bool(node.operator.option(2, "?"))
        return (*before[:-1], channels) if keeps_axes else (math.prod(before) // max(k, 1), channels)
    return node.output.shape


def _computed(node: Node, inputs: Sequence[int], values: Mapping[int, Value]) -> Value:
    """Compute an operator of `SHAPES` at export time, and return its result as a constant."""
    arrays = []
    for number in inputs:
        value = values[number]
        if value.constant is None and node.operator.name != "SHAPE":
            raise unsupported(node.operator.name, "on values that depend on the image")
        # SHAPE reads only the shape of its input. `broadcast_to` gives an array of that shape without its memory.
        arrays.append(np.broadcast_to(np.int8(0), value.shape) if value.constant is None else value.constant)
    found = np.asarray(OPERATORS[node.operator.name].prepare(node)(arrays))
    return Value(found.shape, found.dtype.name, found)


def _scores(tensor: Tensor) -> QuantParams:
    if tensor.dtype not in ("uint8", "int8", "int16") or tensor.scales.size != 1 or tensor.zero_points.size != 1:
        raise ArtifactError("C code needs a model with integer scores. Export it as int8 or int16x8.")
    return QuantParams(float(tensor.scales[0]), int(tensor.zero_points[0]), tensor.dtype)


def _activation(steps: Sequence[Step], values: Mapping[int, Value], target: int) -> str:
    """Return the type that all activations have; reject a model that mixes int8 and int16."""
    types = {values[step.output].dtype for step in steps if step.output != target} or {values[target].dtype}
    types |= {values[target].dtype} - {"uint8"}
    if len(types) != 1 or not types <= {"int8", "int16"}:
        raise unsupported("a model", f"with {', '.join(sorted(types))} activations, only of int8 or of int16")
    return types.pop()


def _check(program: Program) -> None:
    """Reject a model whose input is not uint8 (n, h, w, channels), or that uses a tensor before it is computed."""
    if program.values[program.input].dtype != "uint8" or len(program.values[program.input].shape) != 4:
        raise ArtifactError("C code needs a model that takes raw pixels (n, height, width, channels). Export it again.")
    known = {program.input, *(number for number, value in program.values.items() if value.constant is not None)}
    for step in program.steps:
        missing = [number for number in step.inputs if program.storage(number) not in known]
        if missing:
            raise ArtifactError(f"The model is damaged: tensor {missing[0]} is used before it is computed.")
        known.add(step.output)
    if program.storage(program.output) not in known or not program.steps:
        raise ArtifactError("The model is damaged: its output is not computed.")
