"""Operators without weights on windows of an image: pooling, the mean, and padding."""

from __future__ import annotations

import math

from mnist_exporters.formats.c.graph import Array
from mnist_exporters.formats.c.operators.context import LARGEST, Context, Lowered
from mnist_runtime.backends.numpy_int8.fixed_point import quantized_multiplier
from mnist_runtime.backends.numpy_int8.node import Windows

__all__ = ["average_pool", "max_pool", "mean", "pad", "window_settings"]


def window_settings(
    context: Context, size: tuple[int, int], stride: tuple[int, int], padding: int, dilation: tuple[int, int] = (1, 1)
) -> dict[str, int | Array]:
    """Return the settings of an operator's windows: sizes of image, window and output, strides and padding."""
    if padding not in {0, 1} or not all(1 <= each <= 64 for each in (*size, *stride, *dilation)):
        raise context.unsupported(
            f"with windows of {size}, strides of {stride}, dilations of {dilation} and padding {padding}"
        )
    height, width, depth = context.image()
    windows = Windows(context.node, size, stride, padding == 0, dilation)
    (top, bottom), (left, right) = windows.paddings((1, height, width, depth))[1:3]
    padded = (top + height + bottom, left + width + right)
    counts = [
        (length - extent) // step + 1 for length, extent, step in zip(padded, windows.extent, stride, strict=True)
    ]
    if (1, *counts) != context.result.shape[:3] or min(counts) < 1:
        raise context.unsupported(f"from {(height, width)} to {context.result.shape}")
    return {
        "height": height,
        "width": width,
        "depth": depth,
        "window_height": size[0],
        "window_width": size[1],
        "stride_y": stride[0],
        "stride_x": stride[1],
        "pad_top": top,
        "pad_left": left,
        "out_height": counts[0],
        "out_width": counts[1],
    }


def max_pool(context: Context) -> Lowered:
    """Lower MAX_POOL_2D."""
    return _pool(context, "max_pool")


def average_pool(context: Context) -> Lowered:
    """Lower AVERAGE_POOL_2D."""
    return _pool(context, "average_pool")


def mean(context: Context) -> Lowered:
    """Lower MEAN over height and width. The integer multiplier includes the division by the number of pixels."""
    context.require_integers()
    node = context.node
    axes = {int(axis) % len(context.value(0).shape) for axis in node.constant(1, "int32").ravel()}
    height, width, depth = context.image()
    if axes != {1, 2}:
        raise context.unsupported(f"over the axes {sorted(axes)}, only over height and width")
    (scale, zero_point), (out_scale, _) = node.quantization(node.input(0)), node.quantization(node.output)
    count = height * width
    multiplier, shift = quantized_multiplier(float(scale) / float(out_scale))
    bits = min(count.bit_length() - 1, 32, 31 + shift)
    multiplier, shift = (multiplier << bits) // count, shift - bits
    largest = count * (1 << (16 if context.is_wide else 8))
    if largest << max(shift, 0) > LARGEST or largest * multiplier * math.ldexp(1, shift - 31) > LARGEST / 2:
        raise context.unsupported(f"of {count} values, whose sum exceeds 32 bits")
    settings: dict[str, int | Array] = {"places": count, "depth": depth, "total_offset": -zero_point * count}
    settings |= {"multiplier": multiplier, "shift": shift, **context.output_settings(0)}
    return context.step("mean", settings, in_place=True)


def pad(context: Context) -> Lowered:
    """Lower PAD. The added pixels get the zero point, which stands for the real number 0."""
    context.require_integers()
    paddings = context.node.constant(1, "int32")
    height, width, depth = context.image()
    if paddings.shape != (4, 2) or paddings.min(initial=0) < 0 or paddings[0].any():
        raise context.unsupported(f"with paddings of shape {paddings.shape}, negative ones or ones of the batch")
    (top, _), (left, _), (front, _) = paddings[1:].tolist()
    settings: dict[str, int | Array] = {"height": height, "width": width, "depth": depth, "top": top, "left": left}
    out = dict(zip(("out_height", "out_width", "out_depth"), context.result.shape[1:], strict=True))
    value = context.node.quantization(context.node.output)[1]
    return context.step("pad", {**settings, "front": front, **out, "value": value})


def _pool(context: Context, kernel: str) -> Lowered:
    context.require_integers()
    node, option = context.node, context.node.operator.option
    if node.quantization(node.input(0)) != node.quantization(node.output):
        raise context.unsupported("with different scales of input and output")
    size, stride = (option(4, "i"), option(3, "i")), (option(2, "i"), option(1, "i"))
    settings = window_settings(context, size, stride, option(0, "b"))
    low, high = node.bounds(option(5, "b"))
    # In place is safe without padding: no window reads a value that an earlier result has overwritten.
    in_place = settings["pad_top"] == settings["pad_left"] == 0
    return context.step(kernel, {**settings, "low": low, "high": high}, in_place=in_place)
