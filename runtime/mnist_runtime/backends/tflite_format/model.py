"""`TFLiteFile`: the graph of a ``.tflite`` file, read without an interpreter.

Source of the layout: LiteRT, ``schema.fbs``, version 3. Only the parts that int8 classifiers use are read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.backends.tflite_format.flatbuffer import Table
from mnist_runtime.errors import ArtifactError

__all__ = ["OPERATOR_NAMES", "Operator", "TFLiteFile", "Tensor"]

IDENTIFIER = b"TFL3"
MOST_AXES, MOST_TENSORS = 8, 64
"""Limits per tensor and per operator; digit models have up to 4 and 3."""
DTYPES = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 6: "bool", 7: "int16", 9: "int8"}
"""Number in the file -> NumPy's name. Another type, such as int4, is named ``type 17``."""

LINES = """
ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR
FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC
LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH
SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER
BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE
BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM
ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE
TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK
LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL
FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL
REVERSE_V2 ADD_N GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND
HARD_SWISH IF WHILE NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM
BATCH_MATMUL PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS
HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE
ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU
DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2
UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT STABLEHLO_LOGISTIC STABLEHLO_ADD STABLEHLO_DIVIDE
STABLEHLO_MULTIPLY STABLEHLO_MAXIMUM STABLEHLO_RESHAPE STABLEHLO_CLAMP STABLEHLO_CONCATENATE
STABLEHLO_BROADCAST_IN_DIM STABLEHLO_CONVOLUTION STABLEHLO_SLICE STABLEHLO_CUSTOM_CALL STABLEHLO_REDUCE
STABLEHLO_ABS STABLEHLO_AND STABLEHLO_COSINE STABLEHLO_EXPONENTIAL STABLEHLO_FLOOR STABLEHLO_LOG
STABLEHLO_MINIMUM STABLEHLO_NEGATE STABLEHLO_OR STABLEHLO_POWER STABLEHLO_REMAINDER STABLEHLO_RSQRT
STABLEHLO_SELECT STABLEHLO_SUBTRACT STABLEHLO_TANH STABLEHLO_SCATTER STABLEHLO_COMPARE STABLEHLO_CONVERT
STABLEHLO_DYNAMIC_SLICE STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_PAD STABLEHLO_IOTA STABLEHLO_DOT_GENERAL
STABLEHLO_REDUCE_WINDOW STABLEHLO_SORT STABLEHLO_WHILE STABLEHLO_GATHER STABLEHLO_TRANSPOSE DILATE
STABLEHLO_RNG_BIT_GENERATOR REDUCE_WINDOW STABLEHLO_COMPOSITE STABLEHLO_SHIFT_LEFT STABLEHLO_CBRT STABLEHLO_CASE
"""

OPERATOR_NAMES: tuple[str, ...] = tuple(LINES.split())
"""Number in the file -> name, for messages. Source: ``schema.fbs``, ``enum BuiltinOperator``; a test compares them."""


@dataclass(frozen=True)
class Tensor:
    """A tensor of the graph.

    Parameters
    ----------
    name : str
        Name, for messages.
    shape : tuple of int
        Shape for one image.
    dtype : str
        NumPy's name, or for example ``type 17``.
    scales : ndarray of shape (k,), dtype float32
        One scale, one per channel, or none; see `QuantParams`.
    zero_points : ndarray of shape (k,), dtype int64
        One per scale, or none.
    channel_axis : int
        Axis of the channels.
    stored : ndarray, dtype uint8
        Bytes of a constant; empty for a computed tensor.
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
        """Whether the file has its values."""
        return self.stored.size > 0

    @property
    def values(self) -> npt.NDArray[np.generic]:
        """The values of a constant."""
        if self.dtype not in DTYPES.values() or not self.is_constant:
            raise ArtifactError(
                f"The constant {self.name!r} has {self.stored.size} bytes of {self.dtype}, which NumPy lacks. "
                "Use another interpreter: mnist-runtime doctor shows those that run here."
            )
        kind = np.dtype(self.dtype).newbyteorder("<")
        size = math.prod(self.shape) * kind.itemsize
        if size != self.stored.size:
            raise _damaged(f"{self.name!r}, {self.shape} {self.dtype}, has {self.stored.size} bytes instead of {size}")
        return self.stored.view(kind).reshape(self.shape)


@dataclass(frozen=True)
class Operator:
    """One operator: name in the schema, kernel version, indices of its tensors (-1: omitted), and options."""

    name: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None

    def option(self, field: int, code: str, default: Any = 0) -> Any:
        """Return an option by number and `struct` code, or `default` if the file omits it."""
        return default if self.options is None else self.options.number(field, code, default)


@dataclass(frozen=True)
class TFLiteFile:
    """The graph of a ``.tflite`` file: tensors, operators in order, and the indices of inputs and outputs."""

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
            If it is not a TFLite file, or is damaged.
        """
        if content[4:8] != IDENTIFIER:
            raise ArtifactError(f"This is not a .tflite file: bytes 4 to 7 are {content[4:8]!r}, not {IDENTIFIER!r}.")
        model = Table.root(content)
        graphs = model.tables(2)
        if len(graphs) != 1:
            raise ArtifactError(f"The TFLite file has {len(graphs)} graphs, not one. Export the model again.")
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
    # Files older than 2020 have the number in one byte, later ones in four. The greater of both counts.
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
    return ArtifactError(f"The TFLite file is damaged: {reason}. Copy or export it again.")
