"""`Program`: a model as a list of steps with static shapes. The C code is generated from it."""

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
    """A tensor: the input, a constant or the result of a step. Other classes refer to it by its number.

    Parameters
    ----------
    shape : tuple of int
        Shape for one image. The first axis is usually the batch axis, of length 1.
    dtype : str
        NumPy type name.
    constant : ndarray or None
        Values of a constant; None for other tensors.
    """

    shape: tuple[int, ...]
    dtype: str
    constant: Array | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Call:
    """One call of a kernel.

    Parameters
    ----------
    inputs : tuple of int
        Numbers of the tensors that the kernel reads.
    settings : mapping of str to (int or ndarray)
        Members of the kernel's struct, in order. Each array becomes a constant in the C code.
    """

    inputs: tuple[int, ...]
    settings: Mapping[str, int | Array]


@dataclass(frozen=True)
class Step:
    """An operator: one or more calls of a kernel, which together compute one tensor.

    Parameters
    ----------
    kernel : str
        Name of the kernel, a key of `mnist_exporters.formats.c.writing.kernel_files.KERNELS`.
    calls : tuple of Call
        The calls, in order.
    output : int
        Number of the tensor that the step computes.
    in_place : bool
        Whether the output may overwrite the first input.
    scratch : int
        Bytes of working memory that the kernel needs. It is passed as a pointer to int16, before the output.
    """

    kernel: str
    calls: tuple[Call, ...]
    output: int
    in_place: bool = False
    scratch: int = 0

    @property
    def inputs(self) -> tuple[int, ...]:
        """Numbers of all tensors that the step reads."""
        return tuple(dict.fromkeys(number for call in self.calls for number in call.inputs))


@dataclass(frozen=True)
class Program:
    """A model with static shapes.

    Parameters
    ----------
    values : mapping of int to Value
        Tensor number -> tensor.
    steps : sequence of Step
        The steps, in the order of execution.
    input, output : int
        Tensor numbers of the pixels and of the scores.
    same : mapping of int to int
        Number of a reshaped tensor -> number of the tensor whose memory it shares. The latter is never a reshaped one.
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
        """Return the number of the tensor that owns the memory of tensor `number`; only reshaped tensors own none."""
        return self.same.get(number, number)

    @property
    def sum_type(self) -> str:
        """Type of the accumulators: ``"int64"`` if any of them needs more than 32 bits, else ``"int32"``."""
        biases = [call.settings.get("bias") for step in self.steps for call in step.calls]
        return "int64" if any(isinstance(bias, np.ndarray) and bias.dtype == np.int64 for bias in biases) else "int32"

    @property
    def kernels(self) -> tuple[str, ...]:
        """Names of the kernels that the program calls, without repetitions."""
        return tuple(dict.fromkeys(step.kernel for step in self.steps))


def unsupported(operator: str, what: str) -> OperatorError:
    """Return the error for an operator without a kernel. `what` describes the variant, such as ``"in groups"``."""
    return OperatorError(
        f"The C code has no kernel for {operator} {what}. Export the model to another format, such as tflite.",
        (operator,),
    )
