"""`TFLiteFile`: what a ``.tflite`` file says, as plain facts; nothing is run and nothing heavy is imported.

Source of the layout: LiteRT, ``schema.fbs``, version 3. Only what int8 classifiers hold is read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.backends.tflite_format.flatbuffer import Table
from mnist_runtime.backends.tflite_format.operator_names import OPERATOR_NAMES
from mnist_runtime.errors import ArtifactError

__all__ = ["Operator", "TFLiteFile", "Tensor"]

IDENTIFIER = b"TFL3"
MOST_AXES, MOST_TENSORS = 8, 64
"""Of a tensor, and of an operator; digit models have up to 4 and 3."""
DTYPES = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 6: "bool", 7: "int16", 9: "int8"}
"""Number in the file -> NumPy's name; ``type 17`` stands for one that NumPy does not have (17 is int4)."""


@dataclass(frozen=True)
class Tensor:
    """One tensor.

    Parameters
    ----------
    name : str
        Its name, for messages.
    shape : tuple of int
        Its shape for one image.
    dtype : str
        NumPy's name of its type, or ``type 17``.
    scales : ndarray of shape (k,), dtype float32
        ``real = scale * (integer - zero_point)``: one scale, one a channel, or none.
    zero_points : ndarray of shape (k,), dtype int64
        As many as scales, where they are given.
    channel_axis : int
        The axis that has one scale an index, where there is more than one.
    stored : ndarray, dtype uint8
        The bytes of a constant, empty for what is computed.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: npt.NDArray[np.float32]
    zero_points: npt.NDArray[np.int64]
    channel_axis: int
    stored: npt.NDArray[np.uint8]

    @property
    def is_constant(self) -> bool:
        """Whether the file holds its values."""
        return self.stored.size > 0

    @property
    def values(self) -> npt.NDArray[np.generic]:
        """The values of a constant."""
        if self.dtype not in DTYPES.values() or not self.is_constant:
            raise ArtifactError(
                f"Expected the constant {self.name!r} in a type of NumPy, received {self.stored.size} bytes of "
                f"{self.dtype}; use another interpreter (litert)."
            )
        kind = np.dtype(self.dtype).newbyteorder("<")
        wanted = math.prod(self.shape) * kind.itemsize
        if wanted != self.stored.size:
            raise ArtifactError(
                f"Expected {wanted} bytes for {self.name!r}, {self.shape} {self.dtype}, received {self.stored.size}: "
                "the file is damaged; copy or export it again."
            )
        return self.stored.view(kind).reshape(self.shape)


@dataclass(frozen=True)
class Operator:
    """One operator.

    Parameters
    ----------
    name : str
        The schema's name, or ``operator 999`` for one that is newer than this module.
    version : int
        The version of its kernel that the file asks for.
    inputs, outputs : tuple of int
        Indices of tensors; -1 for an input that is left out.
    options : Table or None
        Its own options, to be read by its kernel.
    """

    name: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None

    def option(self, field: int, code: str, default: Any = 0) -> Any:
        """Return one of its options, by number and `struct` code; `default` where the file leaves it out."""
        return default if self.options is None else self.options.number(field, code, default)


@dataclass(frozen=True)
class TFLiteFile:
    """The main graph of a ``.tflite`` file.

    Parameters
    ----------
    tensors : tuple of Tensor
        All of its tensors.
    operators : tuple of Operator
        Its operators, in the order in which they run.
    inputs, outputs : tuple of int
        Indices of the tensors that a caller sets and reads.
    """

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @classmethod
    def read(cls, content: bytes) -> TFLiteFile:
        """Read the bytes of a file.

        Raises
        ------
        ArtifactError
            If they are not a TFLite file, or refer to what is not there.
        """
        if content[4:8] != IDENTIFIER:
            raise ArtifactError(
                f"Expected a TFLite file, with {IDENTIFIER!r} in bytes 4 to 7, received {content[4:8]!r}; "
                "give a .tflite file."
            )
        model = Table.root(content)
        graphs = model.tables(2)
        if len(graphs) != 1:
            raise ArtifactError(f"Expected a TFLite file of one graph, received {len(graphs)}; export the model again.")
        buffers = [buffer.numbers(0, "uint8") for buffer in model.tables(4)]
        tensors = tuple(_tensor(table, buffers) for table in graphs[0].tables(0))
        codes = [(_operator_name(code), int(code.number(2, "i", 1))) for code in model.tables(1)]
        return cls(
            tensors,
            tuple(_operator(table, codes, len(tensors)) for table in graphs[0].tables(3)),
            _indices(graphs[0], 1, len(tensors)),
            _indices(graphs[0], 2, len(tensors)),
        )


def _tensor(table: Table, buffers: list[npt.NDArray[np.uint8]]) -> Tensor:
    name = table.text(3)
    buffer = table.number(2, "I")
    if buffer >= len(buffers):
        raise _damaged(f"tensor {name!r} has buffer {buffer} of {len(buffers)}")
    shape = tuple(table.numbers(0, "int32", MOST_AXES).tolist())
    if min(shape, default=0) < 0:
        raise _damaged(f"tensor {name!r} has shape {shape}")
    code = table.number(1, "b")
    quantization = table.table(4)
    return Tensor(
        name,
        shape,
        DTYPES.get(code, f"type {code}"),
        np.zeros(0, np.float32) if quantization is None else quantization.numbers(2, "float32"),
        np.zeros(0, np.int64) if quantization is None else quantization.numbers(3, "int64"),
        0 if quantization is None else quantization.number(6, "i"),
        buffers[buffer],
    )


def _operator_name(code: Table) -> str:
    # Files older than 2020 have the number in one byte, later ones in four; the greater of both is meant.
    number = max(code.number(0, "b"), code.number(3, "i"))
    return OPERATOR_NAMES[number] if 0 <= number < len(OPERATOR_NAMES) else f"operator {number}"


def _operator(table: Table, codes: list[tuple[str, int]], tensors: int) -> Operator:
    index = table.number(0, "I")
    if index >= len(codes):
        raise _damaged(f"an operator has code {index} of {len(codes)}")
    name, version = codes[index]
    return Operator(name, version, _indices(table, 1, tensors), _indices(table, 2, tensors), table.table(4))


def _indices(table: Table, field: int, tensors: int) -> tuple[int, ...]:
    indices = tuple(table.numbers(field, "int32", MOST_TENSORS).tolist())
    if any(not -1 <= index < tensors for index in indices):
        raise _damaged(f"it refers to tensors {indices} of {tensors}")
    return indices


def _damaged(reason: str) -> ArtifactError:
    return ArtifactError(f"Expected a whole TFLite file, received a damaged one: {reason}; copy or export it again.")
