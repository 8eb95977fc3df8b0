"""`Program`: a model as a list of steps with static shapes, from which the C code is written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import OperatorError
from mnist_runtime.backends.base import QuantParams

__all__ = ["Array", "Call", "Program", "Step", "Value", "unsupported"]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Value:
    """A tensor that a step computes, the input, or a constant.

    Parameters
    ----------
    shape : tuple of int
        Shape for one image; the first axis is mostly that of the images, and then 1.
    dtype : str
        NumPy's name of the type.
    constant : ndarray or None
        Its values, if they are known.
    """

    shape: tuple[int, ...]
    dtype: str
    constant: Array | None = None

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Call:
    """One call of a kernel.

    Parameters
    ----------
    inputs : tuple of int
        Numbers of the values that it reads.
    settings : mapping of str to (int or ndarray)
        Members of the kernel's struct, in order; an array becomes a constant of its own.
    """

    inputs: tuple[int, ...]
    settings: Mapping[str, int | Array]


@dataclass(frozen=True)
class Step:
    """An operator: calls of a kernel that together compute one value.

    Parameters
    ----------
    kernel : str
        Name of the kernel, a key of `mnist_exporters.formats.c.writing.kernel_files.KERNELS`.
    calls : tuple of Call
        Its calls.
    output : int
        Number of the value that it computes.
    in_place : bool
        Whether the output may overwrite the first input.
    scratch : int
        Bytes of working memory, which the kernel takes as an array of int16 before its output.
    """

    kernel: str
    calls: tuple[Call, ...]
    output: int
    in_place: bool = False
    scratch: int = 0

    @property
    def inputs(self) -> tuple[int, ...]:
        """Numbers of all values that it reads."""
        return tuple(dict.fromkeys(number for call in self.calls for number in call.inputs))


@dataclass(frozen=True)
class Program:
    """A model with static shapes.

    Parameters
    ----------
    values : mapping of int to Value
        The tensors, by number.
    steps : sequence of Step
        What to compute, in order.
    input, output : int
        Numbers of the pixels and of the scores.
    same : mapping of int to int
        Number of a reshaped value -> number of the value whose memory it uses, which is not a reshaped one.
    scores : QuantParams
        Quantization of the scores.
    activation : str
        Type of the activations, ``"int8"`` or ``"int16"``.
    """

    values: Mapping[int, Value]
    steps: Sequence[Step]
    input: int
    output: int
    scores: QuantParams
    activation: str
    same: Mapping[int, int] = field(default_factory=dict)

    def storage(self, number: int) -> int:
        """Return the number of the value in whose memory `number` is."""
        return self.same.get(number, number)

    @property
    def sum_type(self) -> str:
        """Type of sums of products: ``"int64"`` if one needs more than 32 bits."""
        biases = [call.settings.get("bias") for step in self.steps for call in step.calls]
        return "int64" if any(isinstance(bias, np.ndarray) and bias.dtype == np.int64 for bias in biases) else "int32"

    @property
    def kernels(self) -> tuple[str, ...]:
        """Names of the kernels, each once."""
        return tuple(dict.fromkeys(step.kernel for step in self.steps))


def unsupported(operator: str, what: str) -> OperatorError:
    """Return the error for an operator that no kernel computes; `what` says in which form."""
    return OperatorError(
        f"The C code has no kernel for {operator} {what}. Export it to another format, such as tflite.", (operator,)
    )
