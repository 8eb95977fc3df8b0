"""The operators on shapes: RESHAPE and PAD, and SHAPE, STRIDED_SLICE and PACK, which work a shape out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mnist_runtime.numpy_call import Array, Call, Kernel

__all__ = ["pack", "pad", "reshape", "shape", "strided_slice"]


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
        call.roomy(*[length + sum(pair) for length, pair in zip(inputs[0].shape, pairs, strict=True)][1:])
        return np.pad(inputs[0], pairs, constant_values=zero_point)

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
    return lambda inputs: np.stack(inputs, axis=axis)
