"""The operators that sum products with weights: CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED.

NumPy multiplies matrices fast only in floating point. The results are exact nevertheless; for the proofs, see
docs/decisions/interpreters.md, also for one rounding in place of TFLite's two. The zero point z of the
input is subtracted in advance: ``sum (x - z) w = sum x w - z sum w``, with the last term in the bias. Padding has
the value z.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from mnist_runtime.backends.numpy_int8.fixed_point import Integers, quantized_multiplier, rescale, rescale_once
from mnist_runtime.backends.numpy_int8.node import PER_PLACE, Array, Kernel, Node, windows_of

__all__ = ["Requantizer", "convolution", "depthwise_convolution", "exact_float", "fully_connected"]

PIECE = 1 << 18
"""Floats per step, 1 MB; 4 times more or fewer are 10 % slower."""

Float = type[np.float32] | type[np.float64]

ALONE = 1 << 19
"""Most multiplications that OpenBLAS computes on one thread, in all versions of NumPy tried."""

LARGEST_INPUT = 128
"""Largest absolute int8."""


def exact_float(weights: npt.NDArray[np.int64]) -> tuple[Float, int]:
    """Return the float type in which sums over axis 0 of `weights` ``(k, channels)`` are exact, and their bound."""
    bound = LARGEST_INPUT * int(np.abs(weights).sum(axis=0).max(initial=0))
    return (np.float32 if bound < 1 << 24 else np.float64), bound


class Requantizer:
    """Convert sums to the int8 output: bias, multiplier, two roundings, zero point, activation.

    Parameters
    ----------
    weights : ndarray of shape (k, channels), dtype int64
        The weights of the sums.
    scales : ndarray of shape (channels,) or (1,), dtype float32
        Their scales.
    bias_index : int
        Number of the input with the bias, if there is one.
    """

    def __init__(
        self,
        node: Node,
        weights: npt.NDArray[np.int64],
        scales: npt.NDArray[np.float32],
        bias_index: int,
        activation: int,
    ) -> None:
        input_scale, input_zero_point = node.quantization(node.input(0))
        output_scale, self._zero_point = node.quantization(node.output)
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
        """Prepare the computation in float64; return whether it is exact."""
        most = bound + int(np.abs(self._bias).max(initial=0))
        bits = -self._shifts
        if bits.min() < 0 or most + (260 << int(bits.max())) >= 1 << 22:
            return False
        # C's int: where C's long has 32 bits, NumPy 1 accepts no 64-bit exponents.
        self._step = np.ldexp(self._multipliers.astype(np.float64), (-31 - bits).astype(np.intc))
        unit = np.ldexp(1.0, (-bits).astype(np.intc))
        self._ties = unit * (bits > 0)
        halves = np.full(bits.shape, 0.5) if self._rounds_once else 0.5 * unit + 0.5 * (bits > 0)
        # Shift the smallest integer to 0, so that truncation is the floor.
        self._start = self._bias * self._step + halves + self._zero_point + 128
        # Below this, a tie is rounded away from zero.
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
        # Otherwise the activation clips negative results, so their ties do not matter.
        if self._low < self._zero_point and not self._rounds_once:
            real -= (real < self._first_positive) * self._ties
        np.clip(real, self._low + 128, self._high + 128, out=real)
        return (real.astype(np.uint8) ^ np.uint8(128)).view(np.int8)


def _real_multipliers(
    node: Node, input_scale: np.float32, scales: npt.NDArray[np.float32], output_scale: np.float32
) -> list[float]:
    """Return input scale * weight scale / output scale for each scale of the weights."""
    if node.operator.name == "FULLY_CONNECTED" and scales.size == 1:  # this product is computed in float32
        return [float(input_scale * scales[0]) / float(output_scale)]
    return [float(input_scale) * float(scale) / float(output_scale) for scale in scales]


def convolution(node: Node) -> Kernel:
    """Prepare CONV_2D, weights ``(channels, h, w, depth)``. Each window is a row of a matrix product."""
    node.require_dtypes(["int8"], ["int8"])
    weights = node.constant(1, "int8").astype(np.int64)
    if weights.ndim != 4:
        raise node.unsupported(f"with weights of shape {weights.shape}")
    channels, high, wide, depth = weights.shape
    option = node.operator.option
    stride, dilation = (option(2, "i"), option(1, "i")), (option(5, "i", 1), option(4, "i", 1))
    windows = windows_of(node, (high, wide), stride, option(0, "b"), dilation)
    matrix = weights.reshape(channels, -1).T
    requantize = Requantizer(node, matrix, node.channel_scales(node.input(1), channels, 0), 2, option(3, "b"))
    factors: Array = np.ascontiguousarray(matrix, requantize.dtype)
    _, zero_point = node.quantization(node.input(0))

    def run(inputs: Sequence[Array]) -> Array:
        images = windows.padded(inputs[0], zero_point)
        down, across = windows.counts(images)
        if images.shape[3:] != (depth,) or min(down, across) < 1:
            raise node.unsupported(f"on images of shape {inputs[0].shape} with weights of shape {weights.shape}")
        node.reserve(len(images), down, across, channels, products=len(factors))
        lines = max(1, min(down, PIECE // (across * len(factors))))  # of windows at once: all, unless images are large
        size = math.prod(node.reserve(lines, across, len(factors)))
        return _in_chunks(partial(part, lines), images, size if lines == down else PIECE)

    def part(lines: int, images: Array) -> Array:
        pixels = np.ascontiguousarray(images)
        down, _ = windows.counts(pixels)
        strips = [strip(pixels, start, min(lines, down - start)) for start in range(0, down, lines)]
        return strips[0] if len(strips) == 1 else np.concatenate(strips, axis=1)

    def strip(images: Array, start: int, down: int) -> Array:
        n, (_, across) = len(images), windows.counts(images)
        row, column = images.strides[1:3]
        # Each line of a window is contiguous, unless it is dilated; fewer axes are faster.
        line: tuple[int, ...] = (wide * depth,)
        steps: tuple[int, ...] = (images.itemsize,)
        if dilation[1] > 1:
            line, steps = (wide, depth), (column * dilation[1], *steps)
        view: Array = np.ndarray(
            (n, down, across, high, *line),
            images.dtype,
            images,
            start * windows.stride[0] * row,
            (images.strides[0], row * windows.stride[0], column * windows.stride[1], row * dilation[0], *steps),
        )
        rows = view.astype(factors.dtype, order="C").reshape(n * down * across, len(factors))
        return requantize(_product(rows, factors)).reshape(n, down, across, channels)

    return run


def depthwise_convolution(node: Node) -> Kernel:
    """Prepare DEPTHWISE_CONV_2D, weights ``(1, h, w, depth * multiplier)``."""
    node.require_dtypes(["int8"], ["int8"])
    weights = node.constant(1, "int8").astype(np.int64)
    if weights.ndim != 4 or weights.shape[0] != 1:
        raise node.unsupported(f"with weights of shape {weights.shape}")
    _, high, wide, channels = weights.shape
    option = node.operator.option
    stride, dilation = (option(2, "i"), option(1, "i")), (option(6, "i", 1), option(5, "i", 1))
    windows = windows_of(node, (high, wide), stride, option(0, "b"), dilation)
    matrix = weights.reshape(-1, channels)
    requantize = Requantizer(node, matrix, node.channel_scales(node.input(1), channels, 3), 2, option(4, "b"))
    factors = matrix.astype(requantize.dtype)
    _, zero_point = node.quantization(node.input(0))

    def run(inputs: Sequence[Array]) -> Array:
        images = windows.padded(inputs[0], zero_point)
        down, across = windows.counts(images)
        if channels % max(images.shape[3], 1) or min(down, across) < 1:
            raise node.unsupported(f"on images of shape {inputs[0].shape} with weights of shape {weights.shape}")
        node.reserve(len(images), down, across, channels, products=len(factors) * PER_PLACE)
        return _in_chunks(part, images, math.prod(node.reserve(*images.shape[1:3], channels)))

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
    """Prepare FULLY_CONNECTED, weights ``(channels, k)``."""
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
        scores = requantize(_product(rows, factors))
        return scores.reshape(*inputs[0].shape[:-1], len(weights)) if keeps_axes else scores

    return run


def _product(rows: Array, factors: Array) -> Array:
    """Return ``rows @ factors``, in parts that BLAS computes on one thread, which is faster than several."""
    step = max(1, ALONE // factors.size)
    if len(rows) <= step:
        return rows @ factors
    return np.concatenate([rows[start : start + step] @ factors for start in range(0, len(rows), step)])


def _in_chunks(part: Callable[[Array], Array], images: Array, size: int) -> Array:
    """Apply `part` to a few images at a time; each needs `size` floats."""
    step = max(1, PIECE // max(size, 1))
    if len(images) <= step:
        return part(images)
    return np.concatenate([part(images[start : start + step]) for start in range(0, len(images), step)])
