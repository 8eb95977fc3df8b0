"""`Context`: an operator with its tensors, the argument of all functions that lower an operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mnist_exporters.errors import OperatorError
from mnist_exporters.formats.c.graph import Array, Call, Step, Value, unsupported
from mnist_runtime.backends.numpy_int8.fixed_point import quantized_multiplier
from mnist_runtime.backends.numpy_int8.node import Node

__all__ = ["LARGEST", "Context", "Lowered"]

LARGEST = (1 << 31) - 1
"""Largest absolute value in the 32-bit arithmetic of the kernels."""


@dataclass(frozen=True)
class Lowered:
    """A lowered operator: a step; or a table of 256 values, for a float32 function of an 8-bit tensor."""

    step: Step | None = None
    table: Array | None = None


@dataclass(frozen=True)
class Context:
    """One operator to lower.

    Parameters
    ----------
    node : Node
        The operator and its tensors, with the checks of the backend ``numpy``.
    inputs : tuple of int
        Numbers of the input tensors.
    output : int
        Number of the output tensor.
    values : mapping of int to Value
        All tensors, by number.
    source : tuple of (int, ndarray) or None
        If the first input is a float32 function of an 8-bit tensor: the number of that tensor, and the table of the
        function's 256 values.
    """

    node: Node
    inputs: tuple[int, ...]
    output: int
    values: Mapping[int, Value]
    source: tuple[int, Array] | None = None

    def unsupported(self, what: str) -> OperatorError:
        """Return the error for a variant of this operator without a kernel; see `graph.unsupported`."""
        return unsupported(self.node.operator.name, what)

    @property
    def is_wide(self) -> bool:
        """Whether the output has 16-bit integers."""
        return self.node.output.dtype == "int16"

    def value(self, place: int) -> Value:
        """Return the tensor of input number `place`."""
        return self.values[self.inputs[place]]

    @property
    def result(self) -> Value:
        """The output tensor."""
        return self.values[self.output]

    def require_integers(self) -> None:
        """Raise `OperatorError` unless input and output are both int8 or both int16."""
        types = (self.node.input(0).dtype, self.node.output.dtype)
        if types not in {("int8", "int8"), ("int16", "int16")}:
            raise self.unsupported(f"from {types[0]} to {types[1]}")

    def image(self, place: int = 0) -> tuple[int, int, int]:
        """Return height, width and depth of input number `place`."""
        shape = self.value(place).shape
        if len(shape) != 4 or shape[0] != 1:
            raise self.unsupported(f"on shape {shape}, only on (1, height, width, depth)")
        return shape[1], shape[2], shape[3]

    def zero_point(self, place: int = 0) -> int:
        """Return the zero point of input number `place`."""
        return self.node.quantization(self.node.input(place))[1]

    def output_settings(self, activation: int) -> dict[str, int]:
        """Return zero point and bounds of the output; `activation` is TFLite's code of the fused activation."""
        low, high = self.node.bounds(activation)
        return {"zero_point": self.node.quantization(self.node.output)[1], "low": low, "high": high}

    def multiplier(self, real: float, largest: int) -> tuple[int, int]:
        """Return the integer multiplier and the shift that stand for the factor `real`.

        Raises
        ------
        OperatorError
            If the product with a number up to `largest` would overflow 32 bits.
        """
        multiplier, shift = quantized_multiplier(real)
        if largest << max(shift, 0) > LARGEST or largest * real > LARGEST / 2:
            raise self.unsupported(f"with sums up to {largest} times {real:g}, which exceed 32 bits")
        return multiplier, shift

    def step(
        self, kernel: str, settings: dict[str, int | Array], *inputs: int, in_place: bool = False, scratch: int = 0
    ) -> Lowered:
        """Return a step with one call. `inputs` are indices of the operator's inputs; default: the first one."""
        numbers = tuple(self.inputs[place] for place in inputs or (0,))
        plain = {name: item if isinstance(item, np.ndarray) else int(item) for name, item in settings.items()}
        return Lowered(Step(kernel, (Call(numbers, plain),), self.output, in_place, scratch))
