"""The operators MAX_POOL_2D, AVERAGE_POOL_2D and MEAN."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mnist_runtime.backends.numpy_int8.fixed_point import quantized_multiplier, rescale
from mnist_runtime.backends.numpy_int8.node import PER_PLACE, Array, Kernel, Node, Windows, windows_of

__all__ = ["average_pool", "max_pool", "mean"]


def max_pool(node: Node) -> Kernel:
    """Prepare MAX_POOL_2D; padding has the smallest value."""
    windows, low, high = _pool(node)

    def run(inputs: Sequence[Array]) -> Array:
        first, *others = windows.slices(_checked_padding(node, windows, inputs[0], -128))
        # A copy: `first` is a view of another operator's output.
        greatest = first.copy()
        for other in others:
            np.maximum(greatest, other, out=greatest)
        return np.clip(greatest, low, high)

    return run


def average_pool(node: Node) -> Kernel:
    """Prepare AVERAGE_POOL_2D; padding does not count, and ties are rounded away from zero."""
    windows, low, high = _pool(node)

    def run(inputs: Sequence[Array]) -> Array:
        images = inputs[0]
        ones = np.ones((1, *images.shape[1:3], 1), np.int32)
        counts = _sums(windows.slices(_checked_padding(node, windows, ones, 0)))
        sums = _sums(windows.slices(_checked_padding(node, windows, images, 0)))
        rounded = (np.abs(sums) + counts // 2) // counts * np.sign(sums)
        return np.asarray(np.clip(rounded, low, high), np.int8)

    return run


def mean(node: Node) -> Kernel:
    """Prepare MEAN. The multiplier is first divided by the number of summands, in integers."""
    node.require_dtypes(["int8"], ["int8"])
    axes = tuple(sorted(set(node.constant(1, "int32").ravel().tolist())))
    keeps_axes = bool(node.operator.option(0, "?"))
    input_scale, input_zero_point = node.quantization(node.input(0))
    output_scale, output_zero_point = node.quantization(node.output)
    multiplier, shift = quantized_multiplier(float(input_scale) / float(output_scale))

    def run(inputs: Sequence[Array]) -> Array:
        sums = inputs[0].sum(axis=axes, keepdims=keeps_axes, dtype=np.int64)
        count = inputs[0].size // max(sums.size, 1)
        bits = min(count.bit_length() - 1, 32, 31 + shift)
        steps = rescale(sums - input_zero_point * count, (multiplier << bits) // count, shift - bits)
        return np.clip(steps + output_zero_point, -128, 127).astype(np.int8)

    return run


def _pool(node: Node) -> tuple[Windows, int, int]:
    node.require_dtypes(["int8"], ["int8"])
    if node.quantization(node.input(0)) != node.quantization(node.output):
        raise node.unsupported("with different scales of input and output")
    option = node.operator.option
    windows = windows_of(node, (option(4, "i"), option(3, "i")), (option(2, "i"), option(1, "i")), option(0, "b"))
    return windows, *node.bounds(option(5, "b"))


def _sums(places: list[Array]) -> npt.NDArray[np.int32]:
    """Sum `places` one at a time; an array of all would need far more memory than the images."""
    sums = places[0].astype(np.int32)
    for place in places[1:]:
        sums += place
    return sums


def _checked_padding(node: Node, windows: Windows, images: Array, value: int) -> Array:
    padded = windows.padded(images, value)
    if images.ndim != 4 or min(windows.counts(padded)) < 1:
        raise node.unsupported(f"on images of shape {images.shape} with windows of {windows.size}")
    result = (len(images), *windows.counts(padded), images.shape[3])
    node.reserve(*result, products=math.prod(windows.size) * PER_PLACE)
    return padded
