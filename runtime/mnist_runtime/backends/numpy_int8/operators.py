"""`OPERATORS`: the operators of the backend ``numpy``, with their highest version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mnist_runtime.backends.numpy_int8 import elementwise, matmul, pooling, shapes
from mnist_runtime.backends.numpy_int8.node import OTHER_BACKEND, Kernel, Node
from mnist_runtime.errors import ArtifactError

__all__ = ["OPERATORS", "prepare"]


@dataclass(frozen=True)
class OperatorRow:
    """One row of `OPERATORS`.

    Parameters
    ----------
    prepare : callable
        Function from an operator to its kernel; it computes weights and multipliers once.
    version : int
        Highest supported version for int8.
    """

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


def prepare(node: Node) -> Kernel:
    """Return the kernel of an operator.

    Raises
    ------
    ArtifactError
        If the operator, its version or its types are not supported.
    """
    row = OPERATORS.get(node.operator.name)
    if row is None:
        raise ArtifactError(
            f"The backend numpy lacks the operator {node.operator.name}; it has {', '.join(OPERATORS)}. {OTHER_BACKEND}"
        )
    if node.operator.version > row.version:
        raise node.unsupported(f"(only up to version {row.version})")
    return row.prepare(node)
