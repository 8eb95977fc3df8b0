"""The backend of last resort for int8 ``.tflite`` files: NumPy alone, to the bit as TFLite's reference kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnist_runtime.backends.base import Backend
from mnist_runtime.backends.numpy_int8.node import PER_VALUE, Array, Budget, Kernel, Node
from mnist_runtime.backends.numpy_int8.operators import prepare
from mnist_runtime.backends.quantization import QuantParams
from mnist_runtime.backends.tflite_format.model import Operator, TFLiteFile
from mnist_runtime.errors import ArtifactError

__all__ = ["NumPyBackend", "load"]

CHUNK = 256
"""Images that pass through all operators at once, at the most: enough to hide Python's share."""
CHUNK_VALUES = 1 << 24
"""What the largest tensor of as many images as pass at once may have."""

MOST_OPERATORS, MOST_WEIGHTS = 512, 1 << 24
"""Of a file. A damaged one may name the same operator or constant thousands of times."""

IMPOSSIBLE = (ValueError, IndexError, TypeError, ArithmeticError, MemoryError)
"""What NumPy raises where the parts of a damaged file do not fit together."""


@dataclass(frozen=True)
class Step:
    """One operator, ready to run.

    Parameters
    ----------
    node : Node
        The operator.
    kernel : Kernel
        What computes it.
    inputs : tuple of int
        Tensors that it takes.
    output : int
        Tensor that it gives.
    """

    node: Node
    kernel: Kernel
    inputs: tuple[int, ...]
    output: int


class NumPyBackend:
    """The operators of one file, prepared. Running changes nothing, so that threads may share it."""

    def __init__(self, file: TFLiteFile) -> None:
        if len(file.inputs) != 1 or len(file.outputs) != 1 or min(*file.inputs, *file.outputs) < 0:
            raise ArtifactError(
                f"Expected a file of one input and one output, received {len(file.inputs)} and {len(file.outputs)}; "
                "export the model again."
            )
        self._input, self._output = file.inputs[0], file.outputs[0]
        self.input_dtype = np.dtype(file.tensors[self._input].dtype)
        output = file.tensors[self._output]
        self.output = (
            QuantParams(float(output.scales[0]), int(output.zero_points[0]), output.dtype)
            if output.scales.size == 1 and output.zero_points.size == 1
            else None
        )
        _require_few(file)
        budget = Budget()
        self._steps = tuple(_step(file, operator, budget) for operator in file.operators)
        used = {index for step in self._steps for index in step.inputs}
        self._constants = {index: file.tensors[index].values for index in used if file.tensors[index].is_constant}
        _require_order(self._steps, {self._input, *self._constants}, self._output)
        self._dry_run(budget)

    def run(self, pixels: Array) -> Array:
        """See `Backend.run`."""
        if pixels.dtype != self.input_dtype:
            raise ArtifactError(
                f"Expected pixels of {self.input_dtype}, as the file takes them, received {pixels.dtype}; "
                "export the model again."
            )
        try:
            parts = [self._run(pixels[start : start + self._chunk]) for start in range(0, len(pixels), self._chunk)]
            return parts[0] if len(parts) == 1 else np.concatenate(parts)
        except ArtifactError:
            raise
        except IMPOSSIBLE as error:
            raise ArtifactError(
                f"Expected a TFLite file that runs on images (n, 28, 28, 1), its tensors do not fit together "
                f"({error}); export the model again."
            ) from error

    def _dry_run(self, budget: Budget) -> None:
        """Let a blank image pass and count what it takes, from which follows how many may pass at once."""
        values = {**self._constants, self._input: np.zeros((1, 28, 28, 1), self.input_dtype)}
        for step in self._steps:
            values[step.output] = step.kernel([values[index] for index in step.inputs])
            step.node.reserve(*values[step.output].shape, products=PER_VALUE)
        budget.close()
        self._chunk = min(CHUNK, max(1, CHUNK_VALUES // budget.largest))

    def _run(self, pixels: Array) -> Array:
        values = {**self._constants, self._input: np.ascontiguousarray(pixels)}
        for step in self._steps:
            values[step.output] = step.kernel([values[index] for index in step.inputs])
        return values[self._output]


def load(content: bytes) -> Backend:
    """See `load_numpy`."""
    file = TFLiteFile.read(content)
    try:
        backend = NumPyBackend(file)
    except ArtifactError:
        raise
    except IMPOSSIBLE as error:
        raise ArtifactError(
            f"Expected a whole TFLite file, the parts of this one do not fit together ({error}); export it again."
        ) from error
    return backend


def _require_few(file: TFLiteFile) -> None:
    sizes = [file.tensors[index].stored.size for each in file.operators for index in each.inputs if index >= 0]
    if len(file.operators) > MOST_OPERATORS or sum(sizes) > MOST_WEIGHTS:
        raise ArtifactError(
            f"Expected at most {MOST_OPERATORS} operators on {MOST_WEIGHTS:,} bytes of constants, received "
            f"{len(file.operators)} on {sum(sizes):,}; run it with another interpreter: pip install "
            "'mnist-runtime[litert]'."
        )


def _step(file: TFLiteFile, operator: Operator, budget: Budget) -> Step:
    if len(operator.outputs) != 1 or operator.outputs[0] < 0:
        raise ArtifactError(
            f"Expected operators with one output, received {operator.name} with {len(operator.outputs)}; run it with "
            "another interpreter: pip install 'mnist-runtime[litert]'."
        )
    inputs = tuple(file.tensors[index] if index >= 0 else None for index in operator.inputs)
    node = Node(operator, inputs, file.tensors[operator.outputs[0]], budget)
    return Step(node, prepare(node), tuple(index for index in operator.inputs if index >= 0), operator.outputs[0])


def _require_order(steps: tuple[Step, ...], given: set[int], output: int) -> None:
    """Refuse operators that take what is not there yet, and an output that none of them gives."""
    known = set(given)
    for wanted, made in [*((step.inputs, step.output) for step in steps), ((output,), output)]:
        if missing := set(wanted) - known:
            raise ArtifactError(
                "Expected operators in the order in which they need each other, received one that takes tensor "
                f"{min(missing)} before it is there: the file is damaged; copy or export it again."
            )
        known.add(made)
