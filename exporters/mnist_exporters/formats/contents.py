"""`Contents`: tensors, operators and versions, as read from a model file. They decide where the model can run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mnist_exporters.errors import ChangingError
from mnist_exporters.spec.precision import Precision
from mnist_runtime.backends.base import QuantParams
from mnist_runtime.errors import listed

__all__ = ["ACTIVATIONS", "ADVICE", "BLACK", "WEIGHTS", "Contents", "Layer", "TensorFacts"]

WEIGHTS: dict[Precision, set[str]] = {
    Precision.FLOAT32: {"float32"},
    Precision.FLOAT16: {"float16"},
    Precision.DYNAMIC: {"int8", "uint8"},
    Precision.INT8: {"int8", "uint8"},
    Precision.INT4: {"int4"},
    Precision.INT16X8: {"int8"},
}
"""Precision -> types that most of the weights may have."""

ACTIVATIONS: dict[Precision, set[str]] = {
    Precision.FLOAT32: {"float32"},
    Precision.FLOAT16: {"float32", "float16"},
    Precision.DYNAMIC: {"float32"},
    Precision.INT8: {"int8", "uint8"},
    Precision.INT4: {"int8", "uint8"},
    Precision.INT16X8: {"int16"},
}
"""Precision -> types that the activations may have, before any quantization at run time."""

BLACK = {"uint8": 0, "int8": -128}
"""Integer input type -> value of a black pixel."""

ADVICE = "Build it without random layers, variables and training=True at inference, and save it again."
"""What to do about a model whose scores depend on more than the image."""

MOST_PLACES = 3
"""Maximum number of tensors that a message names."""


@dataclass(frozen=True)
class TensorFacts:
    """One tensor of a model.

    Parameters
    ----------
    name : str
        Name in the file.
    dtype : str
        NumPy type name.
    shape : tuple of int
        Shape; -1 for an axis whose length is not fixed.
    is_constant : bool
        Whether the file stores its values.
    affine : QuantParams or None
        Scale and zero point; None for floats and for one scale per channel.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    is_constant: bool
    affine: QuantParams | None = None


@dataclass(frozen=True)
class Layer:
    """An operator with constant weights.

    Parameters
    ----------
    operator : str
        Name of the operator.
    weights : int
        Number of weights.
    weight_dtype, dtype : str
        Types of the weights and of the input activations.
    """

    operator: str
    weights: int
    weight_dtype: str
    dtype: str


@dataclass(frozen=True)
class Contents:
    """Facts that decide where a model can run.

    Parameters
    ----------
    format : str
        A key of `FORMATS`.
    tensors : tuple of TensorFacts
        All tensors of the main graph.
    input, output : TensorFacts
        Input and output of the model.
    weights : dict of str to int
        Type -> number of bytes of the constants with two or more dimensions.
    weight_types : dict of str to tuple of str
        Operator -> types of its weights.
    activations : tuple of str
        Types of the inputs that are not weights, for the operators with weights.
    operators : dict of str to int
        Name -> highest version. In ONNX the version is the opset.
    float_operators : tuple of (str, str)
        Operators that compute in floats, each with the name of its output; for TFLite only.
    layers : tuple of Layer
        Operators with constant weights, in the order of the file.
    foreign : tuple of str
        Operators that the format does not define: custom operators, TensorFlow's "Flex" operators, and those of other
        ONNX domains.
    changing : tuple of (str, str)
        Operators whose result depends on more than the image, each with the name of its output; see `formats.changing`.
    opset, ir_version : int or None
        Versions that an ONNX model needs; None for other formats.
    arena_bytes : int or None
        Bytes of working memory that TensorFlow Lite Micro needs; None except for the format ``tflm``.
    """

    format: str
    tensors: tuple[TensorFacts, ...]
    input: TensorFacts
    output: TensorFacts
    weights: dict[str, int]
    weight_types: dict[str, tuple[str, ...]]
    activations: tuple[str, ...]
    operators: dict[str, int]
    foreign: tuple[str, ...]
    opset: int | None = None
    ir_version: int | None = None
    arena_bytes: int | None = None
    float_operators: tuple[tuple[str, str], ...] = ()
    layers: tuple[Layer, ...] = ()
    changing: tuple[tuple[str, str], ...] = ()

    @property
    def precision(self) -> Precision | None:
        """The precision that the types in the model show; None if there is none with these types.

        The type of most weights decides; int4, int8 and int16x8 need integer activations too. This is for files from
        other tools, which have no manifest.
        """
        types = set(self.activations)
        if any(name.startswith("QLinear") for name in self.operators):
            return Precision.INT8
        for precision in (Precision.INT4, Precision.INT16X8, Precision.INT8):
            if types and types <= ACTIVATIONS[precision] and self.main_weight_type in WEIGHTS[precision]:
                return precision
        for precision in (Precision.DYNAMIC, Precision.FLOAT16, Precision.FLOAT32):
            if self.main_weight_type in WEIGHTS[precision]:
                return precision
        return None

    @property
    def weight_counts(self) -> dict[str, int]:
        """The number of weights of each type."""
        return {dtype: size * 8 // _bits(dtype) for dtype, size in self.weights.items()}

    @property
    def main_weight_type(self) -> str:
        """The type of most weights, ``"none"`` without weights."""
        counts = self.weight_counts
        return max(counts, key=lambda dtype: counts[dtype], default="none")

    def requirements(self) -> dict[str, Any]:
        """Return what an interpreter must support to load the model; the manifest stores it."""
        if self.opset is not None:
            return {"opset": self.opset, "ir_version": self.ir_version}
        return {"operators": self.operators} | ({"arena_bytes": self.arena_bytes} if self.arena_bytes else {})

    def check_unchanging(self) -> None:
        """Check that no operator makes the scores depend on more than the image.

        Raises
        ------
        ChangingError
            If an operator is random, or uses a variable or the statistics of the batch.
        """
        if self.changing:
            operators = tuple(dict.fromkeys(name for name, _ in self.changing))
            places = tuple(dict.fromkeys(place for _, place in self.changing if place))
            more = f", at {listed(places, MOST_PLACES)}" if places else ""
            raise ChangingError(
                f"The scores of the model depend on more than the image: it has {', '.join(operators)}{more}. {ADVICE}",
                operators,
                places,
            )


def _bits(dtype: str) -> int:
    """Return the number of bits in a NumPy type name, such as 4 for ``"int4"``."""
    digits = dtype.lstrip("abcdefghijklmnopqrstuvwxyz")
    return int(digits) if digits.isdecimal() else 8
