"""Operators with two or more input tensors: ADD, MUL and CONCATENATION."""

from __future__ import annotations

import math

from mnist_exporters.formats.c.graph import Array, Call, Step
from mnist_exporters.formats.c.operators.context import Context, Lowered

__all__ = ["add", "concatenate", "multiply"]

LEFT_SHIFT = {"int8": 20, "int16": 15}
"""Type -> bits by which ADD shifts its inputs left before rescaling and adding them, so that less is rounded away."""


def add(context: Context) -> Lowered:
    """Lower ADD, with the arithmetic of TFLite's reference kernel."""
    context.require_integers()
    node = context.node
    first, second = _order(context)
    (scale, zero_point), (other_scale, other_zero_point) = (
        node.quantization(node.input(each)) for each in (first, second)
    )
    out_scale, _ = node.quantization(node.output)
    bits = LEFT_SHIFT[node.output.dtype]
    largest = (1 << (15 if context.is_wide else 8)) << bits
    twice = 2 * float(max(scale, other_scale))
    own = context.multiplier(float(scale) / twice, largest)
    other = context.multiplier(float(other_scale) / twice, largest)
    total = context.multiplier(twice / ((1 << bits) * float(out_scale)), largest)
    settings: dict[str, int | Array] = {**_counts(context), "unit": 1 << bits}
    settings |= {"multiplier": own[0], "shift": own[1], "other_multiplier": other[0], "other_shift": other[1]}
    settings |= {"out_multiplier": total[0], "out_shift": total[1], "offset": -zero_point}
    settings |= {"other_offset": -other_zero_point, **context.output_settings(node.operator.option(0, "b"))}
    return context.step("add", settings, first, second, in_place=True)


def multiply(context: Context) -> Lowered:
    """Lower MUL."""
    context.require_integers()
    node = context.node
    first, second = _order(context)
    (scale, zero_point), (other_scale, other_zero_point) = (
        node.quantization(node.input(each)) for each in (first, second)
    )
    out_scale, _ = node.quantization(node.output)
    largest = 1 << (30 if context.is_wide else 16)
    multiplier, shift = context.multiplier(float(scale * other_scale / out_scale), largest)  # in float32
    settings: dict[str, int | Array] = {**_counts(context), "multiplier": multiplier, "shift": shift}
    settings |= {"offset": -zero_point, "other_offset": -other_zero_point}
    settings |= context.output_settings(node.operator.option(0, "b"))
    return context.step("mul", settings, first, second, in_place=True)


def concatenate(context: Context) -> Lowered:
    """Lower CONCATENATION of inputs with one type and one scale: one call for each input."""
    context.require_integers()
    node = context.node
    if node.operator.option(1, "b") != 0:
        raise context.unsupported("with a fused activation")
    tensors = [node.input(place) for place in range(len(context.inputs))]
    if any(
        (each.dtype, node.quantization(each)) != (node.output.dtype, node.quantization(node.output)) for each in tensors
    ):
        raise context.unsupported("with different types or scales of inputs and output")
    shape = context.result.shape
    axis = node.operator.option(0, "i")
    axis = axis if axis >= 0 else axis + len(shape)
    if not 0 < axis < len(shape):
        raise context.unsupported(f"along axis {axis}")
    blocks, inner = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
    calls, start = [], 0
    for place, number in enumerate(context.inputs):
        length = context.value(place).shape[axis] * inner
        calls.append(Call((number,), {"blocks": blocks, "length": length, "start": start, "step": shape[axis] * inner}))
        start += length
    return Lowered(Step("concat", tuple(calls), context.output))


def _order(context: Context) -> tuple[int, int]:
    """Return the index of the input that has the output's shape, and that of the other input, which is broadcast."""
    wanted = context.result.shape
    for first, second in ((0, 1), (1, 0)):
        shape = context.value(second).shape
        while shape and shape[0] == 1:
            shape = shape[1:]
        if context.value(first).shape == wanted and wanted[len(wanted) - len(shape) :] == shape:
            return first, second
    raise context.unsupported(f"on shapes {context.value(0).shape} and {context.value(1).shape}")


def _counts(context: Context) -> dict[str, int | Array]:
    """Return settings: number of output elements, and number of elements after which the second input repeats."""
    _, second = _order(context)
    return {"count": context.result.size, "period": context.value(second).size}
