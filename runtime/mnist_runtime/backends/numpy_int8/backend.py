"""`OPERATORS`, what the backend ``numpy`` supports, and `NumPyBackend`, which runs the operators of a file in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mnist_runtime.backends.base import IMAGE, Backend, QuantParams, in_words
from mnist_runtime.backends.numpy_int8 import elementwise, matmul, pooling, shapes
from mnist_runtime.backends.numpy_int8.node import OTHER_BACKEND, PER_VALUE, Array, Budget, Kernel, Node
from mnist_runtime.backends.tflite_format.model import Operator, TFLiteFile
from mnist_runtime.errors import ArtifactError, first_line
from mnist_runtime.system.process import usual_errors

__all__ = ["OPERATORS", "NumPyBackend", "load"]

CHUNK = 256
"""Most images per pass through all operators: enough to hide Python's overhead."""
CHUNK_VALUES = 1 << 24
"""Most values of the largest tensor in a pass."""

MOST_OPERATORS, MOST_WEIGHTS = 512, 1 << 24
"""Most operators and bytes of constants. A damaged file can use the same constant thousands of times."""

IMPOSSIBLE = (ValueError, IndexError, TypeError, ArithmeticError, MemoryError)
"""Errors of NumPy when the parts of a damaged file do not fit together."""


@dataclass(frozen=True)
class OperatorRow:
    """Function that prepares the kernel of an operator, and its highest supported version for int8."""

    prepare: Callable[[Node], Kernel]
    version: int


OPERATORS: dict[str, OperatorRow] = {
    "ADD": OperatorRow(elementwise.add, 2),
    "AVERAGE_POOL_2D": OperatorRow(pooling.average_pool, 2),
    "CONCATENATION": OperatorRow(shapes.concatenate, 2),
    "CONV_2D": OperatorRow(matmul.convolution, 3),
    "DEPTHWISE_CONV_2D": OperatorRow(matmul.depthwise_convolution, 3),
    "DEQUANTIZE": OperatorRow(elementwise.dequantize, 2),
    "FULLY_CONNECTED": OperatorRow(matmul.fully_connected, 5),
    "GATHER": OperatorRow(shapes.gather, 2),
    "LOGISTIC": OperatorRow(elementwise.logistic, 2),
    "MAX_POOL_2D": OperatorRow(pooling.max_pool, 2),
    "MEAN": OperatorRow(pooling.mean, 2),
    "MUL": OperatorRow(elementwise.multiply, 2),
    "PACK": OperatorRow(shapes.pack, 2),
    "PAD": OperatorRow(shapes.pad, 2),
    "QUANTIZE": OperatorRow(elementwise.quantize, 2),
    "REDUCE_PROD": OperatorRow(shapes.product, 2),
    "RELU": OperatorRow(elementwise.relu, 2),
    "RELU6": OperatorRow(elementwise.relu6, 2),
    "RESHAPE": OperatorRow(shapes.reshape, 1),
    "SHAPE": OperatorRow(shapes.shape, 1),
    "SOFTMAX": OperatorRow(elementwise.softmax, 2),
    "STRIDED_SLICE": OperatorRow(shapes.strided_slice, 2),
}
"""Name in the schema -> operator. To add one, write its function and its row."""


@dataclass(frozen=True)
class Step:
    """One operator, its kernel, and the indices of its input tensors and its output tensor."""

    node: Node
    kernel: Kernel
    inputs: tuple[int, ...]
    output: int


class NumPyBackend:
    """The operators of one file. Threads may share it, because running changes no state."""

    def __init__(self, file: TFLiteFile, shape: tuple[int, ...] = IMAGE) -> None:
        if len(file.inputs) != 1 or len(file.outputs) != 1 or min(*file.inputs, *file.outputs) < 0:
            raise ArtifactError(
                f"The model has {len(file.inputs)} inputs and {len(file.outputs)} outputs, not one of each. "
                "Export it again."
            )
        self._input, self._output, self._shape = file.inputs[0], file.outputs[0], shape
        self.input_dtype = np.dtype(file.tensors[self._input].dtype)
        output = file.tensors[self._output]
        self.output = (
            QuantParams(float(output.scales[0]), int(output.zero_points[0]), output.dtype)
            if output.scales.size == 1 and output.zero_points.size == 1
            else None
        )
        _check_size(file)
        budget = Budget()
        self._steps = tuple(_step(file, operator, budget) for operator in file.operators)
        used = {index for step in self._steps for index in step.inputs}
        self._constants = {index: file.tensors[index].values for index in used if file.tensors[index].is_constant}
        _check_order(self._steps, {self._input, *self._constants}, self._output)
        self._dry_run(budget)

    def run(self, pixels: Array) -> Array:
        """See `Backend.run`."""
        if pixels.dtype != self.input_dtype:
            raise ArtifactError(
                f"The model needs {self.input_dtype} pixels, but its manifest has {pixels.dtype}. Export it again."
            )
        try:
            with usual_errors():
                parts = [self._run(pixels[start : start + self._chunk]) for start in range(0, len(pixels), self._chunk)]
            return parts[0] if len(parts) == 1 else np.concatenate(parts)
        except ArtifactError:
            raise
        except IMPOSSIBLE as error:
            raise ArtifactError(
                f"The model cannot run on images {in_words(self._shape)}: {first_line(error)}. Export it again."
            ) from error

    def _dry_run(self, budget: Budget) -> None:
        """Run a blank image to count values and products, and choose the number of images per pass."""
        values = {**self._constants, self._input: np.zeros((1, *self._shape), self.input_dtype)}
        for step in self._steps:
            values[step.output] = step.kernel([values[index] for index in step.inputs])
            step.node.reserve(*values[step.output].shape, products=PER_VALUE)
        budget.close()
        self._chunk = min(CHUNK, max(1, CHUNK_VALUES // budget.largest))

    def _run(self, pixels: Array) -> Array:
        values = {**self._constants, self._input: np.ascontiguousarray(pixels)}
        for step in self._steps:
            values[step.output] = step.kernel([values[index] for index in step.inputs])
        return values[self._output]


def load(content: bytes, shape: tuple[int, ...] = IMAGE) -> Backend:
    """See `load_numpy`."""
    file = TFLiteFile.read(content)
    try:
        with usual_errors():
            backend = NumPyBackend(file, shape)
    except ArtifactError:
        raise
    except IMPOSSIBLE as error:
        raise ArtifactError(
            f"The parts of the TFLite file do not fit together, or do not take images {in_words(shape)}: "
            f"{first_line(error)}. Export it again."
        ) from error
    return backend


def _check_size(file: TFLiteFile) -> None:
    sizes = [file.tensors[index].stored.size for each in file.operators for index in each.inputs if index >= 0]
    if len(file.operators) > MOST_OPERATORS or sum(sizes) > MOST_WEIGHTS:
        raise ArtifactError(
            f"The model has {len(file.operators)} operators and {sum(sizes):,} bytes of constants. The backend numpy "
            f"allows {MOST_OPERATORS} and {MOST_WEIGHTS:,}. {OTHER_BACKEND}"
        )


def _step(file: TFLiteFile, operator: Operator, budget: Budget) -> Step:
    if len(operator.outputs) != 1 or operator.outputs[0] < 0:
        raise ArtifactError(
            f"{operator.name} has {len(operator.outputs)} outputs, but the backend numpy needs one. {OTHER_BACKEND}"
        )
    inputs = tuple(file.tensors[index] if index >= 0 else None for index in operator.inputs)
    node = Node(operator, inputs, file.tensors[operator.outputs[0]], budget)
    return Step(node, _prepare(node), tuple(index for index in operator.inputs if index >= 0), operator.outputs[0])


def _check_order(steps: tuple[Step, ...], available: set[int], output: int) -> None:
    """Reject operators whose inputs are not computed yet, and an output that no operator computes."""
    known = set(available)
    for inputs, computed in [*((step.inputs, step.output) for step in steps), ((output,), output)]:
        if missing := set(inputs) - known:
            raise ArtifactError(
                f"The file is damaged: tensor {min(missing)} is used before it is computed. Copy or export it again."
            )
        known.add(computed)


def _prepare(node: Node) -> Kernel:
    row = OPERATORS.get(node.operator.name)
    if row is None:
        raise ArtifactError(
            f"The backend numpy lacks the operator {node.operator.name}; it has {', '.join(OPERATORS)}. {OTHER_BACKEND}"
        )
    if node.operator.version > row.version:
        raise node.unsupported(f"(only up to version {row.version})")
    return row.prepare(node)
