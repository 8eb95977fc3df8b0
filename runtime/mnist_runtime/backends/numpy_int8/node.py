"""`Node`: an operator with its tensors, and the checks that the kernels share.

A file with a valid digest can still exhaust a device: forty bytes can describe a tensor of a terabyte. So while a file
is loaded and runs one blank image, kernels count their values and products in a `Budget`. For n images no operator
needs more than n times as much.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.backends.tflite_format.model import Operator, Tensor
from mnist_runtime.errors import ArtifactError

__all__ = ["Array", "Budget", "Kernel", "Node", "Windows", "same_padding", "windows_of"]

OTHER_BACKEND = "Use another interpreter: mnist-runtime doctor shows how to install those that run here."

Array = npt.NDArray[Any]

Kernel = Callable[[Sequence[Array]], Array]
"""Function from the values of all inputs, constants included, to the output."""

MOST_VALUES = 1 << 22
"""Values per tensor, for one image: 512 channels of 28x28, windows of 3x3."""
MOST_PRODUCTS = 1 << 32
"""Products for one image: some seconds on a PC, a minute on the slowest Pi."""
PER_VALUE = 256
"""Cost of a look-up or rounding, in multiplications of a matrix product."""
PER_PLACE = 8
"""Cost of any other product, sum or comparison, in the same unit."""


class Budget:
    """Count values and products for one image; `largest` is the size of the largest tensor."""

    def __init__(self) -> None:
        self.largest = 1
        self._products = 0
        self._is_open = True

    def take(self, values: int, products: int) -> bool:
        """Count `values` and `products`; return whether they are within the limits."""
        if not self._is_open:
            return True
        self.largest = max(self.largest, values)
        self._products += products
        return values <= MOST_VALUES and self._products <= MOST_PRODUCTS

    def close(self) -> None:
        """Stop counting: later images need no more than the first."""
        self._is_open = False


@dataclass(frozen=True)
class Node:
    """An operator, its inputs (None: omitted), its only output, and the budget of the file."""

    operator: Operator
    inputs: tuple[Tensor | None, ...]
    output: Tensor
    budget: Budget = field(default_factory=Budget)

    def unsupported(self, what: str) -> ArtifactError:
        """Return the error for something that this backend lacks."""
        return ArtifactError(
            f"The backend numpy does not support {self.operator.name} version {self.operator.version} {what}. "
            f"{OTHER_BACKEND}"
        )

    def input(self, index: int) -> Tensor:
        """Return a required input."""
        tensor = self.inputs[index] if index < len(self.inputs) else None
        if tensor is None:
            raise self.unsupported(f"without input {index}")
        return tensor

    def has_input(self, index: int) -> bool:
        """Return whether an input is present."""
        return index < len(self.inputs) and self.inputs[index] is not None

    def constant(self, index: int, dtype: str) -> Array:
        """Return the values of a required constant of `dtype`."""
        tensor = self.input(index)
        if tensor.dtype != dtype or not tensor.is_constant:
            raise self.unsupported(f"unless input {index} is a constant of {dtype}")
        return tensor.values

    def require_dtypes(self, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """Reject other types than these of the first input and of the output."""
        for tensor, known in ((self.input(0), inputs), (self.output, outputs)):
            if tensor.dtype not in known:
                raise self.unsupported(f"on {tensor.dtype}, only on {' and '.join(known)}")

    def quantization(self, tensor: Tensor) -> tuple[np.float32, int]:
        """Return the only scale and zero point of an 8-bit tensor."""
        if tensor.scales.size != 1 or tensor.zero_points.size != 1:
            raise self.unsupported(f"on {tensor.name!r} with {tensor.scales.size} scales, only with one")
        scale, zero_point = tensor.scales[0], int(tensor.zero_points[0])
        self._plausible(tensor, tensor.scales)
        return scale, zero_point

    def channel_scales(self, tensor: Tensor, channels: int, axis: int) -> npt.NDArray[np.float32]:
        """Return the scales of weights, one or one per channel; their zero points must be 0."""
        if tensor.scales.size not in {1, channels} or (tensor.scales.size > 1 and tensor.channel_axis != axis):
            raise self.unsupported(f"with {tensor.scales.size} scales along axis {tensor.channel_axis} of the weights")
        if tensor.zero_points.any():
            raise self.unsupported("with weights whose zero point is not 0")
        self._plausible(tensor, tensor.scales)
        return tensor.scales

    def _plausible(self, tensor: Tensor, scales: npt.NDArray[np.float32]) -> None:
        limits = np.iinfo(tensor.dtype)
        in_range = bool(np.all((tensor.zero_points >= limits.min) & (tensor.zero_points <= limits.max)))
        # So every ratio of two scales is finite.
        if not (in_range and np.all((scales > 1e-18) & (scales < 1e18))):
            raise self.unsupported(f"on {tensor.name!r} with an impossible scale or zero point (the file is damaged)")

    def bounds(self, activation: int) -> tuple[int, int]:
        """Return the smallest and largest integer of the output with a fused activation."""
        limits = np.iinfo(self.output.dtype)
        scale, zero_point = self.quantization(self.output)
        ranges = {0: (-math.inf, math.inf), 1: (0.0, math.inf), 2: (-1.0, 1.0), 3: (0.0, 6.0)}
        if activation not in ranges:
            raise self.unsupported(f"with fused activation {activation}")
        low, high = ranges[activation]
        return (
            limits.min if low == -math.inf else max(limits.min, zero_point + _nearest(low, scale)),
            limits.max if high == math.inf else min(limits.max, zero_point + _nearest(high, scale)),
        )

    def reserve(self, *shape: int, products: int = 0) -> tuple[int, ...]:
        """Count an array with `products` per value in the budget, and return its shape; reject too many."""
        values = math.prod(shape)
        if not self.budget.take(values, values * products):
            raise self.unsupported(f"with {values} values of {products} products each: too many for one image")
        return shape


@dataclass(frozen=True)
class Windows:
    """Windows of a convolution or pooling: height and width, strides, whether the image is padded, and dilations."""

    node: Node
    size: tuple[int, int]
    stride: tuple[int, int]
    same: bool
    dilation: tuple[int, int] = (1, 1)
    """Distances between the pixels of a window, down and across."""

    @property
    def extent(self) -> tuple[int, int]:
        """Pixels from the first to the last pixel of a window, down and across."""
        high, wide = (1 + (size - 1) * gap for size, gap in zip(self.size, self.dilation, strict=True))
        return high, wide

    def paddings(self, shape: tuple[int, ...]) -> list[tuple[int, int]]:
        """Return the padding before and after each axis of ``(n, h, w, c)``."""
        if not self.same:
            return [(0, 0)] * 4
        return [(0, 0), *map(same_padding, shape[1:3], self.extent, self.stride), (0, 0)]

    def padded(self, images: Array, value: int) -> Array:
        """Return padded `images`."""
        if not self.same:
            return images
        paddings = self.paddings(images.shape)
        if not any(after for _, after in paddings):
            return images
        shape = [length + sum(padding) for length, padding in zip(images.shape, paddings, strict=True)]
        padded = np.full(self.node.reserve(*shape), value, images.dtype)
        (top, _), (left, _) = paddings[1:3]
        padded[:, top : top + images.shape[1], left : left + images.shape[2]] = images
        return padded

    def counts(self, images: Array) -> tuple[int, int]:
        """Return the number of windows in padded `images`, down and across."""
        down, across = ((images.shape[1 + axis] - self.extent[axis]) // self.stride[axis] + 1 for axis in (0, 1))
        return down, across

    def slices(self, images: Array) -> list[Array]:
        """Return, for each place in the window, its values ``(n, oh, ow, c)`` in all windows."""
        down, across = self.counts(images)
        (high, wide), (step_y, step_x), (gap_y, gap_x) = self.extent, self.stride, self.dilation
        return [
            images[:, y : y + (down - 1) * step_y + 1 : step_y, x : x + (across - 1) * step_x + 1 : step_x]
            for y in range(0, high, gap_y)
            for x in range(0, wide, gap_x)
        ]


def same_padding(length: int, extent: int, stride: int) -> tuple[int, int]:
    """Return the padding before and after an axis, with one window per started stride.

    An odd total has one more pixel after.
    """
    total = max((-(-length // stride) - 1) * stride + extent - length, 0)
    return total // 2, total - total // 2


def windows_of(
    node: Node, size: tuple[int, int], stride: tuple[int, int], padding: int, dilation: tuple[int, int] = (1, 1)
) -> Windows:
    """Return the windows of an operator; reject impossible sizes, strides and dilations."""
    if padding not in {0, 1} or not all(1 <= each <= 64 for each in (*size, *stride, *dilation)):
        raise node.unsupported(
            f"with windows of {size}, strides of {stride}, dilations of {dilation} and padding {padding}, only with 1 "
            "to 64"
        )
    return Windows(node, size, stride, padding == 0, dilation)


def _nearest(real: float, scale: np.float32) -> int:
    steps = np.float32(real) / scale
    return math.floor(abs(steps) + 0.5) * (1 if real >= 0 else -1)
