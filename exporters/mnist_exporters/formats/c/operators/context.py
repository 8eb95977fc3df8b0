"""`Context`: an operator with its tensors, as the functions of this folder take it."""

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
    """Result for one operator: a step, or, for a float32 function of bytes, a table of its 256 values."""

    step: Step | None = None
    table: Array | None = None


@dataclass(frozen=True)
class Context:
    """One operator.

    Parameters
    ----------
    node : Node
        The operator and its tensors, with the checks of the backend ``numpy``.
    inputs : tuple of int
        Numbers of its inputs.
    output : int
        Number of its output.
    values : mapping of int to Value
        All tensors.
    source : tuple of (int, ndarray) or None
        If the first input is a float32 function of a byte tensor: the number of that tensor, and the function's table
        of 256 values.
    """

    node: Node
    inputs: tuple[int, ...]
    output: int
    values: Mapping[int, Value]
    source: tuple[int, Array] | None = None

    def unsupported(self, what: str) -> OperatorError:
        """Return the error for something that the kernels lack."""
        return unsupported(self.node.operator.name, what)

    @property
    def is_wide(self) -> bool:
        """Whether it computes on 16-bit integers."""
        return self.node.output.dtype == "int16"

    def value(self, place: int) -> Value:
        """Return an input."""
        return self.values[self.inputs[place]]

    @property
    def result(self) -> Value:
        """The output."""
        return self.values[self.output]

    def require_integers(self) -> None:
        """Reject other types than int8 in and out, or int16 in and out."""
        types = (self.node.input(0).dtype, self.node.output.dtype)
        if types not in {("int8", "int8"), ("int16", "int16")}:
            raise self.unsupported(f"from {types[0]} to {types[1]}")

    def image(self, place: int = 0) -> tuple[int, int, int]:
        """Return height, width and depth of an input."""
        shape = self.value(place).shape
        if len(shape) != 4 or shape[0] != 1:
            raise self.unsupported(f"on shape {shape}, only on (1, height, width, depth)")
        return shape[1], shape[2], shape[3]

    def zero_point(self, place: int = 0) -> int:
        """Return the zero point of an input."""
        return self.node.quantization(self.node.input(place))[1]

    def output_settings(self, activation: int) -> dict[str, int]:
        """Return zero point and bounds of the output, with a fused activation."""
        low, high = self.node.bounds(activation)
        return {"zero_point": self.node.quantization(self.node.output)[1], "low": low, "high": high}

    def multiplier(self, real: float, largest: int) -> tuple[int, int]:
        """Return multiplier and shift of a real factor, for numbers up to `largest`.

        Raises
        ------
        OperatorError
            If 32 bits would overflow.
        """
        multiplier, shift = quantized_multiplier(real)
        if largest << max(shift, 0) > LARGEST or largest * real > LARGEST / 2:
            raise self.unsupported(f"with sums up to {largest} times {real:g}, which exceed 32 bits")
        return multiplier, shift

    def step(
        self, kernel: str, settings: dict[str, int | Array], *inputs: int, in_place: bool = False, scratch: int = 0
    ) -> Lowered:
        """Return a step with one call; `inputs` are places among the operator's inputs, by default the first."""
        numbers = tuple(self.inputs[place] for place in inputs or (0,))
        plain = {name: item if isinstance(item, np.ndarray) else int(item) for name, item in settings.items()}
        return Lowered(Step(kernel, (Call(numbers, plain),), self.output, in_place, scratch))
