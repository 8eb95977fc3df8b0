"""The operators that sum products with weights: CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED.

Why floating point is exact here
--------------------------------
NumPy multiplies matrices fast in floating point only. Inputs and weights are 8-bit integers, and every partial sum, in
whatever order and with or without fused multiplication, is an integer of at most ``B = 128 * sum |weight|``, for the
channel where that is greatest; it is never more than 128 * 127 * K for K products. float32 holds each integer up to
2 ** 24, float64 up to 2 ** 53. So with B below 2 ** 24 nothing is ever rounded in float32, and else in float64, for no
file has 2 ** 39 weights. `exact_float` decides for each operator when it is loaded.

The zero point z of the input is taken out beforehand: ``sum (x - z) w = sum x w - z sum w``, of which the last term
joins the bias; padding has the value z, and so adds nothing.

One rounding stands for two where it can: docs/architecture.md has the proof. `Requantizer` checks its bound at load and
computes in 64-bit integers where it is not kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from mnist_runtime.backends.numpy_int8.fixed_point import Integers, quantized_multiplier, rescale, rescale_once
from mnist_runtime.backends.numpy_int8.node import PER_PLACE, Array, Kernel, Node, windows_of

__all__ = ["convolution", "depthwise_convolution", "fully_connected"]

PIECE = 1 << 18
"""Floats that are worked on at once: 1 MB stays in the cache. A quarter or four times that is slower, by a tenth."""

Float = type[np.float32] | type[np.float64]

LARGEST_INPUT = 128
"""The greatest absolute value of an int8."""


def exact_float(weights: npt.NDArray[np.int64]) -> tuple[Float, int]:
    """Return the float type in which sums over axis 0 of `weights` ``(k, channels)`` are exact, and their bound.

    Examples
    --------
    >>> exact_float(np.full((1032, 10), 127))
    (<class 'numpy.float32'>, 16776192)
    >>> exact_float(np.full((1033, 10), 127))[0]
    <class 'numpy.float64'>
    """
    bound = LARGEST_INPUT * int(np.abs(weights).sum(axis=0).max(initial=0))
    return (np.float32 if bound < 1 << 24 else np.float64), bound


class Requantizer:
    """Bring sums to the int8 of the output: bias, multiplier, the two roundings, zero point, activation.

    Parameters
    ----------
    node : Node
        The operator.
    weights : ndarray of shape (k, channels), dtype int64
        What the sums are over.
    scales : ndarray of shape (channels,) or (1,), dtype float32
        Of the weights.
    bias_index : int
        Which input holds the bias, if it is there.
    activation : int
        The fused activation.
    """

    def __init__(
        self,
        node: Node,
        weights: npt.NDArray[np.int64],
        scales: npt.NDArray[np.float32],
        bias_index: int,
        activation: int,
    ) -> None:
        input_scale, input_zero_point = node.scale_and_zero_point(node.input(0))
        output_scale, self._zero_point = node.scale_and_zero_point(node.output)
        self._bias: Integers = -input_zero_point * weights.sum(axis=0)
        if node.has_input(bias_index):
            bias = node.constant(bias_index, "int32")
            if bias.shape != self._bias.shape:
                raise node.unsupported(f"with a bias of shape {bias.shape} for {weights.shape[1]} channels")
            self._bias = self._bias + bias
        pairs = [quantized_multiplier(real) for real in _real_multipliers(node, input_scale, scales, output_scale)]
        self._multipliers, self._shifts = np.array(pairs, np.int64).T
        self._low, self._high = node.bounds(activation)
        self._rounds_once = node.operator.name == "FULLY_CONNECTED"
        self._float, bound = exact_float(weights)
        self.is_float = self._prepare_float(bound)

    @property
    def dtype(self) -> Float:
        """The float type of the sums."""
        return self._float

    def _prepare_float(self, bound: int) -> bool:
        """Prepare the way through float64, and say whether it is exact."""
        most = bound + int(np.abs(self._bias).max(initial=0))
        bits = -self._shifts
        if bits.min() < 0 or most + (260 << int(bits.max())) >= 1 << 22:
            return False
        # The exponents in C's own integers: NumPy 1 takes no wider ones where C's long has 32 bits.
        self._step = np.ldexp(self._multipliers.astype(np.float64), (-31 - bits).astype(np.intc))
        unit = np.ldexp(1.0, (-bits).astype(np.intc))
        self._ties = unit * (bits > 0)  # what t takes off
        halves = np.full(bits.shape, 0.5) if self._rounds_once else 0.5 * unit + 0.5 * (bits > 0)
        # The type's least integer becomes 0, so that cutting off the fraction is the floor.
        self._start = self._bias * self._step + halves + self._zero_point + 128
        # y is 0 or more from r = -1/2 / 2 ** e on.
        self._first_positive = halves + self._zero_point + 128 - 0.5 * unit
        return True

    def __call__(self, sums: Array) -> npt.NDArray[np.int8]:
        """Return int8 for `sums` ``(..., channels)``, floats that are integers."""
        if not self.is_float:
            rounded = rescale_once if self._rounds_once else rescale
            steps = rounded(sums.astype(np.int64) + self._bias, self._multipliers, self._shifts)
            return np.clip(steps + self._zero_point, self._low, self._high).astype(np.int8)
        real = np.multiply(sums, self._step, dtype=np.float64)
        real += self._start
        if (
            self._low < self._zero_point and not self._rounds_once
        ):  # else a negative number becomes the least one, however it is rounded
            real -= (real < self._first_positive) * self._ties
        np.clip(real, self._low + 128, self._high + 128, out=real)
        return (real.astype(np.uint8) ^ np.uint8(128)).view(np.int8)


def _real_multipliers(
    node: Node, input_scale: np.float32, scales: npt.NDArray[np.float32], output_scale: np.float32
) -> list[float]:
    """Return input scale times weight scale by output scale, for each scale of the weights, in float64."""
    if node.operator.name == "FULLY_CONNECTED" and scales.size == 1:  # here the product is of float32
        return [float(input_scale * scales[0]) / float(output_scale)]
    return [float(input_scale) * float(scale) / float(output_scale) for scale in scales]


def convolution(node: Node) -> Kernel:
    """Prepare CONV_2D: weights ``(channels, h, w, depth)``; each window becomes a row of one matrix product."""
    node.require_dtypes(["int8"], ["int8"])
    weights = node.constant(1, "int8").astype(np.int64)
    if weights.ndim != 4:
        raise node.unsupported(f"with weights of shape {weights.shape}")
    _refuse_dilation(node, 4, 5)
    channels, high, wide, depth = weights.shape
    option = node.operator.option
    windows = windows_of(node, (high, wide), (option(2, "i"), option(1, "i")), option(0, "b"))
    matrix = weights.reshape(channels, -1).T
    requantize = Requantizer(node, matrix, node.channel_scales(node.input(1), channels, 0), 2, option(3, "b"))
    factors: Array = np.ascontiguousarray(matrix, requantize.dtype)
    _, zero_point = node.scale_and_zero_point(node.input(0))

    def run(inputs: Sequence[Array]) -> Array:
        images = windows.padded(inputs[0], zero_point)
        down, across = windows.counts(images)
        if images.shape[3:] != (depth,) or min(down, across) < 1:
            raise node.unsupported(f"on images of shape {inputs[0].shape} with weights of shape {weights.shape}")
        node.reserve(len(images), down, across, channels, products=len(factors))
        return _in_pieces(part, images, math.prod(node.reserve(down, across, len(factors))))

    def part(images: Array) -> Array:
        n = len(images)
        down, across = windows.counts(images)
        row, column = images.strides[1:3]
        view: Array = np.ndarray(
            (n, down, across, high, wide * depth),  # a line of a window lies in one piece
            images.dtype,
            np.ascontiguousarray(images),
            0,
            (images.strides[0], row * windows.stride[0], column * windows.stride[1], row, images.itemsize),
        )
        rows = view.astype(factors.dtype, order="C").reshape(n * down * across, len(factors))
        return requantize(rows @ factors).reshape(n, down, across, channels)

    return run


def depthwise_convolution(node: Node) -> Kernel:
    """Prepare DEPTHWISE_CONV_2D: weights ``(1, h, w, depth * multiplier)``, each channel for itself."""
    node.require_dtypes(["int8"], ["int8"])
    weights = node.constant(1, "int8").astype(np.int64)
    if weights.ndim != 4 or weights.shape[0] != 1:
        raise node.unsupported(f"with weights of shape {weights.shape}")
    _refuse_dilation(node, 5, 6)
    _, high, wide, channels = weights.shape
    option = node.operator.option
    windows = windows_of(node, (high, wide), (option(2, "i"), option(1, "i")), option(0, "b"))
    matrix = weights.reshape(-1, channels)
    requantize = Requantizer(node, matrix, node.channel_scales(node.input(1), channels, 3), 2, option(4, "b"))
    factors = matrix.astype(requantize.dtype)
    _, zero_point = node.scale_and_zero_point(node.input(0))

    def run(inputs: Sequence[Array]) -> Array:
        images = windows.padded(inputs[0], zero_point)
        down, across = windows.counts(images)
        if channels % max(images.shape[3], 1) or min(down, across) < 1:
            raise node.unsupported(f"on images of shape {inputs[0].shape} with weights of shape {weights.shape}")
        node.reserve(len(images), down, across, channels, products=len(factors) * PER_PLACE)
        return _in_pieces(part, images, math.prod(node.reserve(*images.shape[1:3], channels)))

    def part(images: Array) -> Array:
        images = images.astype(factors.dtype)
        images = np.repeat(images, channels // images.shape[3], axis=3) if channels != images.shape[3] else images
        places = windows.slices(images)
        sums = places[0] * factors[0]
        for place, factor in zip(places[1:], factors[1:], strict=True):
            sums += place * factor
        return requantize(sums)

    return run


def fully_connected(node: Node) -> Kernel:
    """Prepare FULLY_CONNECTED: weights ``(channels, k)``."""
    node.require_dtypes(["int8"], ["int8"])
    weights = node.constant(1, "int8").astype(np.int64)
    option = node.operator.option
    if weights.ndim != 2 or option(1, "b") != 0:
        raise node.unsupported(f"with weights of shape {weights.shape} and format {option(1, 'b')}")
    requantize = Requantizer(node, weights.T, node.channel_scales(node.input(1), len(weights), 0), 2, option(0, "b"))
    factors: Array = np.ascontiguousarray(weights.T, requantize.dtype)
    keeps_axes = bool(option(2, "?"))

    def run(inputs: Sequence[Array]) -> Array:
        rows = inputs[0].reshape(-1, len(factors))
        node.reserve(len(rows), len(weights), products=len(factors))
        rows = rows.astype(factors.dtype)
        scores = requantize(rows @ factors)
        return scores.reshape(*inputs[0].shape[:-1], len(weights)) if keeps_axes else scores

    return run


def _in_pieces(part: Callable[[Array], Array], images: Array, size: int) -> Array:
    """Return what `part` makes of all `images`, a few at a time where each takes `size` floats."""
    step = max(1, PIECE // max(size, 1))
    if len(images) <= step:
        return part(images)
    return np.concatenate([part(images[start : start + step]) for start in range(0, len(images), step)])


def _refuse_dilation(node: Node, *fields: int) -> None:
    dilations = [node.operator.option(field, "i", 1) for field in fields]
    if any(dilation != 1 for dilation in dilations):
        raise node.unsupported(f"with dilations of {dilations}, where it has none")
