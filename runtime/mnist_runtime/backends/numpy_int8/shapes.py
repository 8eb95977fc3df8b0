"""The operators on shapes: RESHAPE, PAD and CONCATENATION, and those that work a shape out, on int32.

These are SHAPE, STRIDED_SLICE, PACK, GATHER and REDUCE_PROD.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mnist_runtime.backends.numpy_int8.node import Array, Call, Kernel

__all__ = ["concatenate", "gather", "pack", "pad", "product", "reshape", "shape", "strided_slice"]


def reshape(call: Call) -> Kernel:
    """Prepare RESHAPE, to what the second input says or, where it is left out, the options."""
    if not call.given(1):
        options = call.operator.options
        fixed = tuple(() if options is None else options.numbers(0, "int32", 8).tolist())
        return lambda inputs: inputs[0].reshape(fixed)
    if call.input(1).dtype != "int32":
        raise call.lacks(f"to a shape of {call.input(1).dtype}, where it has int32")
    return lambda inputs: inputs[0].reshape(tuple(inputs[1].ravel().tolist()))


def pad(call: Call) -> Kernel:
    """Prepare PAD, with the integer that stands for 0.0."""
    call.takes(["int8"], ["int8"])
    paddings = call.constant(1, "int32")
    _, zero_point = call.affine(call.output)
    if paddings.ndim != 2 or paddings.shape[1] != 2 or paddings.min(initial=0) < 0 or paddings[:1].any():
        raise call.lacks(f"with paddings of shape {paddings.shape}, below 0 or of the batch")
    pairs = paddings.tolist()

    def run(inputs: Sequence[Array]) -> Array:
        call.roomy(*[length + sum(pair) for length, pair in zip(inputs[0].shape, pairs, strict=True)])
        return np.pad(inputs[0], pairs, constant_values=zero_point)

    return run


def concatenate(call: Call) -> Kernel:
    """Prepare CONCATENATION of what has one type and, for int8, one scale."""
    call.takes(["int8", "int32"], ["int8", "int32"])
    tensors = [call.input(index) for index in range(len(call.inputs))]
    if any(tensor.dtype != call.output.dtype for tensor in tensors) or call.operator.option(1, "b") != 0:
        raise call.lacks("of several types, or with a fused activation")
    if call.output.dtype == "int8" and any(call.affine(tensor) != call.affine(call.output) for tensor in tensors):
        raise call.lacks("with different scales of inputs and output")
    axis = call.operator.option(0, "i")

    def run(inputs: Sequence[Array]) -> Array:
        call.roomy(sum(each.size for each in inputs))
        return np.concatenate(inputs, axis=axis)

    return run


def shape(call: Call) -> Kernel:
    """Prepare SHAPE."""
    if call.output.dtype != "int32":
        raise call.lacks(f"to {call.output.dtype}, where it has int32")
    return lambda inputs: np.array(inputs[0].shape, np.int32)


def strided_slice(call: Call) -> Kernel:
    """Prepare STRIDED_SLICE of a shape."""
    call.takes(["int32"], ["int32"])
    ends = [call.constant(index, "int32").ravel().tolist() for index in (1, 2, 3)]
    begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_mask, is_offset = (
        call.operator.option(field, code) for field, code in enumerate("iiiii?")
    )
    if [len(each) for each in ends] != [1, 1, 1] or ellipsis_mask or new_axis_mask or is_offset or not ends[2][0]:
        raise call.lacks("on more than one axis, or with more than begin, end and stride")
    (begin,), (end,), (stride,) = ends
    if shrink_mask & 1:
        return lambda inputs: inputs[0][begin]
    part = slice(None if begin_mask & 1 else begin, None if end_mask & 1 else end, stride)
    return lambda inputs: inputs[0][part]


def pack(call: Call) -> Kernel:
    """Prepare PACK of numbers into a shape."""
    call.takes(["int32"], ["int32"])
    axis = call.operator.option(1, "i")

    def run(inputs: Sequence[Array]) -> Array:
        call.roomy(sum(each.size for each in inputs))
        return np.stack(inputs, axis=axis)

    return run


def gather(call: Call) -> Kernel:
    """Prepare GATHER of some lengths of a shape."""
    call.takes(["int32"], ["int32"])
    places = call.constant(1, "int32")
    if call.operator.option(0, "i") != 0 or call.operator.option(1, "i") != 0:
        raise call.lacks("along another axis than the first")

    def run(inputs: Sequence[Array]) -> Array:
        call.roomy(places.size, *inputs[0].shape[1:])
        return inputs[0][places]

    return run


def product(call: Call) -> Kernel:
    """Prepare REDUCE_PROD of the lengths of a shape."""
    call.takes(["int32"], ["int32"])
    axes = tuple(sorted(set(call.constant(1, "int32").ravel().tolist())))
    keeps_axes = bool(call.operator.option(0, "?"))
    return lambda inputs: np.asarray(np.prod(inputs[0], axis=axes, keepdims=keeps_axes, dtype=np.int32))
