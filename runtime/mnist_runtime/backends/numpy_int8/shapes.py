"""Operators that change shapes (RESHAPE, PAD, CONCATENATION) and that compute shapes, on int32.

The latter are SHAPE, STRIDED_SLICE, PACK, GATHER and REDUCE_PROD.
"""

from collections.abc import Sequence

import numpy as np

from mnist_runtime.backends.numpy_int8.node import Array, Kernel, Node

__all__ = ["concatenate", "gather", "pack", "pad", "product", "reshape", "shape", "strided_slice"]


def reshape(node: Node) -> Kernel:
    """Prepare RESHAPE to the shape in the second input or, without it, in the options."""
    if not node.has_input(1):
        options = node.operator.options
        fixed = tuple(() if options is None else options.numbers(0, "int32", 8).tolist())
        return lambda inputs: inputs[0].reshape(fixed)
    if node.input(1).dtype != "int32":
        raise node.unsupported(f"to a shape of {node.input(1).dtype}, only of int32")
    return lambda inputs: inputs[0].reshape(tuple(inputs[1].ravel().tolist()))


def pad(node: Node) -> Kernel:
    """Prepare PAD with the zero point."""
    node.require_dtypes(["int8"], ["int8"])
    paddings = node.constant(1, "int32")
    _, zero_point = node.quantization(node.output)
    if paddings.ndim != 2 or paddings.shape[1] != 2 or paddings.min(initial=0) < 0 or paddings[:1].any():
        raise node.unsupported(f"with paddings of shape {paddings.shape}, negative ones or ones of the batch")
    pairs = paddings.tolist()

    def run(inputs: Sequence[Array]) -> Array:
        node.reserve(*[length + sum(pair) for length, pair in zip(inputs[0].shape, pairs, strict=True)])
        return np.pad(inputs[0], pairs, constant_values=zero_point)

    return run


def concatenate(node: Node) -> Kernel:
    """Prepare CONCATENATION of inputs with one type and, for int8, one scale."""
    node.require_dtypes(["int8", "int32"], ["int8", "int32"])
    tensors = [node.input(index) for index in range(len(node.inputs))]
    if any(tensor.dtype != node.output.dtype for tensor in tensors) or node.operator.option(1, "b") != 0:
        raise node.unsupported("of several types, or with a fused activation")
    if node.output.dtype == "int8" and any(
        node.quantization(tensor) != node.quantization(node.output) for tensor in tensors
    ):
        raise node.unsupported("with different scales of inputs and output")
    axis = node.operator.option(0, "i")

    def run(inputs: Sequence[Array]) -> Array:
        node.reserve(sum(each.size for each in inputs))
        return np.concatenate(inputs, axis=axis)

    return run


def shape(node: Node) -> Kernel:
    """Prepare SHAPE."""
    if node.output.dtype != "int32":
        raise node.unsupported(f"to {node.output.dtype}, only to int32")
    return lambda inputs: np.array(inputs[0].shape, np.int32)


def strided_slice(node: Node) -> Kernel:
    """Prepare STRIDED_SLICE of a shape."""
    node.require_dtypes(["int32"], ["int32"])
    ends = [node.constant(index, "int32").ravel().tolist() for index in (1, 2, 3)]
    begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_mask, is_offset = (
        node.operator.option(field, code) for field, code in enumerate("iiiii?")
    )
    if [len(each) for each in ends] != [1, 1, 1] or ellipsis_mask or new_axis_mask or is_offset or not ends[2][0]:
        raise node.unsupported("on more than one axis, or with more than begin, end and stride")
    (begin,), (end,), (stride,) = ends
    if shrink_mask & 1:
        return lambda inputs: inputs[0][begin]
    part = slice(None if begin_mask & 1 else begin, None if end_mask & 1 else end, stride)
    return lambda inputs: inputs[0][part]


def pack(node: Node) -> Kernel:
    """Prepare PACK of numbers into a shape."""
    node.require_dtypes(["int32"], ["int32"])
    axis = node.operator.option(1, "i")

    def run(inputs: Sequence[Array]) -> Array:
        node.reserve(sum(each.size for each in inputs))
        return np.stack(inputs, axis=axis)

    return run


def gather(node: Node) -> Kernel:
    """Prepare GATHER of parts of a shape."""
    node.require_dtypes(["int32"], ["int32"])
    places = node.constant(1, "int32")
    if node.operator.option(0, "i") != 0 or node.operator.option(1, "i") != 0:
        raise node.unsupported("along another axis than the first")

    def run(inputs: Sequence[Array]) -> Array:
        node.reserve(places.size, *inputs[0].shape[1:])
        return inputs[0][places]

    return run


def product(node: Node) -> Kernel:
    """Prepare REDUCE_PROD of a shape."""
    node.require_dtypes(["int32"], ["int32"])
    axes = tuple(sorted(set(node.constant(1, "int32").ravel().tolist())))
    keeps_axes = bool(node.operator.option(0, "?"))
    return lambda inputs: np.asarray(np.prod(inputs[0], axis=axes, keepdims=keeps_axes, dtype=np.int32))
