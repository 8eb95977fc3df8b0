"""`OPERATORS`: which operators the backend ``numpy`` has, up to which version, and what prepares them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mnist_runtime import numpy_pointwise, numpy_pools, numpy_shapes, numpy_sums
from mnist_runtime.errors import ArtifactError
from mnist_runtime.numpy_call import Call, Kernel

__all__ = ["OPERATORS", "prepare"]


@dataclass(frozen=True)
class OperatorRow:
    """One row of `OPERATORS`.

    Parameters
    ----------
    prepare : callable
        From an operator to its kernel; weights and multipliers are worked out here, once.
    version : int
        The highest one whose meaning for int8 it has.
    """

    prepare: Callable[[Call], Kernel]
    version: int


OPERATORS: dict[str, OperatorRow] = {
    "ADD": OperatorRow(numpy_pointwise.add, 2),
    "AVERAGE_POOL_2D": OperatorRow(numpy_pools.average_pool, 2),
    "CONCATENATION": OperatorRow(numpy_shapes.concatenate, 2),
    "CONV_2D": OperatorRow(numpy_sums.convolution, 3),
    "DEPTHWISE_CONV_2D": OperatorRow(numpy_sums.depthwise_convolution, 3),
    "DEQUANTIZE": OperatorRow(numpy_pointwise.dequantize, 2),
    "FULLY_CONNECTED": OperatorRow(numpy_sums.fully_connected, 5),
    "GATHER": OperatorRow(numpy_shapes.gather, 2),
    "LOGISTIC": OperatorRow(numpy_pointwise.logistic, 2),
    "MAX_POOL_2D": OperatorRow(numpy_pools.max_pool, 2),
    "MEAN": OperatorRow(numpy_pools.mean, 2),
    "MUL": OperatorRow(numpy_pointwise.multiply, 2),
    "PACK": OperatorRow(numpy_shapes.pack, 2),
    "PAD": OperatorRow(numpy_shapes.pad, 2),
    "QUANTIZE": OperatorRow(numpy_pointwise.quantize, 2),
    "REDUCE_PROD": OperatorRow(numpy_shapes.product, 2),
    "RELU": OperatorRow(numpy_pointwise.relu, 2),
    "RELU6": OperatorRow(numpy_pointwise.relu6, 2),
    "RESHAPE": OperatorRow(numpy_shapes.reshape, 1),
    "SHAPE": OperatorRow(numpy_shapes.shape, 1),
    "SOFTMAX": OperatorRow(numpy_pointwise.softmax, 2),
    "STRIDED_SLICE": OperatorRow(numpy_shapes.strided_slice, 2),
}
"""The schema's name -> what runs it. A new operator is one function and one row."""


def prepare(call: Call) -> Kernel:
    """Return the kernel of an operator.

    Raises
    ------
    ArtifactError
        If the operator, its version or a type of it is not there; the message says which.
    """
    row = OPERATORS.get(call.operator.name)
    if row is None:
        raise ArtifactError(
            f"Expected one of the operators {', '.join(OPERATORS)}, received {call.operator.name}, which the backend "
            "numpy lacks; run it with another interpreter: pip install 'mnist-runtime[litert]'."
        )
    if call.operator.version > row.version:
        raise call.lacks(f"where it has versions up to {row.version}")
    return row.prepare(call)
