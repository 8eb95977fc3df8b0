"""`Contents`: facts read from the bytes of a model, and the check that they match the requested export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_exporters.errors import ChangingError, ConversionError, OperatorError, UsageError
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.precision import Precision
from mnist_exporters.spec.treatment import HIGHER, PLAIN, Treatment
from mnist_runtime.backends.base import QuantParams

if TYPE_CHECKING:
    from mnist_exporters.inputs.original import PixelScaling

__all__ = ["BLACK", "CURE", "Contents", "Layer", "Tensor"]

WEIGHTS: dict[Precision, set[str]] = {
    Precision.FLOAT32: {"float32"},
    Precision.FLOAT16: {"float16"},
    Precision.DYNAMIC: {"int8", "uint8"},
    Precision.INT8: {"int8"},
    Precision.INT4: {"int4"},
    Precision.INT16X8: {"int8"},
}
"""Types allowed for the majority of the weights."""

ACTIVATIONS: dict[Precision, set[str]] = {
    Precision.FLOAT32: {"float32"},
    Precision.FLOAT16: {"float32", "float16"},
    Precision.DYNAMIC: {"float32"},
    Precision.INT8: {"int8", "uint8"},
    Precision.INT4: {"int8", "uint8"},
    Precision.INT16X8: {"int16"},
}
"""Types allowed for the activations, before any quantization at run time."""

KEEPS_MORE: dict[Precision, str] = {
    Precision.DYNAMIC: "Layers with few weights keep float32. Try float16, or int8, if all of the layers have it.",
    Precision.INT4: "The last layer, and those without int4, keep int8. Try dynamic, or int8, if all layers have it.",
}
"""Precision that applies to some layers only, by design -> which layers keep more bits, and what else to try."""

BLACK = {"uint8": 0, "int8": -128}
"""Integer input type -> value of a black pixel."""

CURE = "Build it without random layers, variables and training=True at inference, and save it again."
"""What to do about a model whose scores depend on more than the image."""

MOST_PLACES = 3
"""Most tensors that a message names."""

EXACT = 0.1
"""Largest accepted error of a pixel in grey levels: the converter computes the scale from the images, in float32."""

HALF_A_LEVEL = 0.5 + EXACT
"""Largest accepted error if the scaling has an offset, which the integer zero point rounds."""


@dataclass(frozen=True)
class Tensor:
    """One tensor of a model.

    Parameters
    ----------
    name : str
        Name in the file.
    dtype : str
        NumPy's name of the type.
    shape : tuple of int
        -1 for a free dimension.
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
        Its name.
    weights : int
        Number of weights.
    weight_dtype, dtype : str
        Type of the weights, and of the activations that it takes.
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
    tensors : tuple of Tensor
        All tensors of the main graph.
    input, output : Tensor
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
        Operators that the format does not define: custom operators, TensorFlow's "Flex" operators, other domains.
    changing : tuple of (str, str)
        Operators whose result depends on more than the image, each with the name of its output; see `formats.changing`.
    opset, ir_version : int or None
        Versions that an ONNX model needs; None for other formats.
    arena_bytes : int or None
        Working memory that TensorFlow Lite Micro needs; for C code only.
    """

    format: str
    tensors: tuple[Tensor, ...]
    input: Tensor
    output: Tensor
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
        """The precision of a file of another tool: that of most weights and of all activations; None if unknown."""
        types = set(self.activations)
        if any(name.startswith("QLinear") for name in self.operators):
            return Precision.INT8
        if types and types <= ACTIVATIONS[Precision.INT8] and self._main_weight_type() == "uint8":
            return Precision.INT8  # of TensorFlow 1
        for precision in (Precision.INT4, Precision.INT16X8, Precision.INT8):
            if types and types <= ACTIVATIONS[precision] and self._main_weight_type() in WEIGHTS[precision]:
                return precision
        for precision in (Precision.DYNAMIC, Precision.FLOAT16, Precision.FLOAT32):
            if self._main_weight_type() in WEIGHTS[precision]:
                return precision
        return None

    def _weight_counts(self) -> dict[str, int]:
        """Return the number of weights of each type."""
        return {dtype: size * 8 // _bits(dtype) for dtype, size in self.weights.items()}

    def _main_weight_type(self) -> str:
        """Return the type of most weights."""
        counts = self._weight_counts()
        return max(counts, key=lambda dtype: counts[dtype], default="none")

    def requirements(self) -> dict[str, Any]:
        """Return what an interpreter must support to load the model; the manifest stores it."""
        if self.opset is not None:
            return {"opset": self.opset, "ir_version": self.ir_version}
        return {"operators": self.operators} | ({"arena_bytes": self.arena_bytes} if self.arena_bytes else {})

    def check_matches(self, spec: ExportSpec, scaling: PixelScaling, treatment: Treatment = PLAIN) -> None:
        """Check that the model matches `spec`.

        Parameters
        ----------
        spec : ExportSpec
            Format, precision, input and output types.
        scaling : PixelScaling
            What a raw pixel means, see `Original.input_scaling`. A quantized input must match it.
        treatment : Treatment
            Layers that may, and must, have more bits.

        Raises
        ------
        OperatorError
            If operators are not those of the format, or not those of the precision.
        ConversionError
            If a type or the input scale differs.
        UsageError
            If the precision applies to few of the weights only, so that it saves little.
        """
        if (self.input.dtype, self.output.dtype) != (spec.input_dtype, spec.output_dtype):
            raise ConversionError(
                f"The converter made a model with {self.input.dtype} input and {self.output.dtype} output, but "
                f"{spec.input_dtype} input and {spec.output_dtype} output were requested. Choose others."
            )
        self.check_operators(spec, treatment)
        self._check_weights(spec)
        self._check_layers(spec, treatment)
        allowed = ACTIVATIONS[spec.precision] | ({HIGHER[spec.format, spec.precision]} if treatment.layers else set())
        if others := set(self.activations) - allowed:
            raise OperatorError(
                f"The model has {', '.join(sorted(others))} activations, which {spec.precision} does not allow. Choose "
                "another precision.",
                *self._in_float(),
            )
        self._check_raw_pixels(scaling)

    def _check_weights(self, spec: ExportSpec) -> None:
        """Check that most weights have the type of the precision."""
        counts, most = self._weight_counts(), self._main_weight_type()
        if most in WEIGHTS[spec.precision]:
            return
        smaller = sum(count for dtype, count in counts.items() if dtype in WEIGHTS[spec.precision])
        if smaller and spec.precision in KEEPS_MORE:
            raise UsageError(
                f"{spec.precision} saves little for this model: it applies to {smaller / sum(counts.values()):.0%} of "
                f"the weights only. {KEEPS_MORE[spec.precision]}"
            )
        raise ConversionError(f"Most weights are {most}, not {spec.precision}. Choose another precision.")

    def _check_layers(self, spec: ExportSpec, treatment: Treatment) -> None:
        """Check that the layers of `treatment` have more bits, and in an int8 ``.tflite`` no others."""
        if not treatment.layers:
            return
        higher = HIGHER[spec.format, spec.precision]
        found = {place for place, layer in enumerate(self.layers) if layer.weight_dtype == higher}
        is_exact = spec.format != "onnx" and spec.precision is Precision.INT8
        if found != set(treatment.layers) if is_exact else not found >= set(treatment.layers):
            raise ConversionError(
                f"The layers {sorted(found)} have {higher} weights, but {list(treatment.layers)} should. Please report "
                "this as a bug."
            )

    def check_unchanging(self) -> None:
        """Check that the scores depend on the image alone, as far as the operators show it.

        Raises
        ------
        ChangingError
            If an operator is random, or uses a variable or the statistics of the batch.
        """
        if self.changing:
            operators = tuple(dict.fromkeys(name for name, _ in self.changing))
            places = tuple(dict.fromkeys(place for _, place in self.changing if place))
            more = f", at {', '.join(places[:MOST_PLACES])}" if places else ""
            raise ChangingError(
                f"The scores of the model depend on more than the image: it has {', '.join(operators)}{more}. {CURE}",
                operators,
                places,
            )

    def check_operators(self, spec: ExportSpec, treatment: Treatment = PLAIN) -> None:
        """Check that all operators belong to the format and to the precision.

        Raises
        ------
        OperatorError
            If they do not, or their result depends on more than the image.
        """
        self.check_unchanging()
        if self.foreign:
            raise OperatorError(
                f"The model needs operators that {self.format} does not define: {', '.join(self.foreign)}. Replace the "
                "layer that uses them.",
                self.foreign,
            )
        floats = sorted({tensor.dtype for tensor in self.tensors if tensor.dtype.startswith("float")})
        is_integer = "float32" not in (spec.input_dtype, spec.output_dtype) and not treatment.layers
        if spec.precision is Precision.INT8 and is_integer and floats:
            raise OperatorError(
                f"The model has {', '.join(floats)} tensors, but int8 allows integers only. Choose another precision.",
                *self._in_float(),
            )

    def _in_float(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the operators that compute in floats, and the names of their outputs."""
        names = dict.fromkeys(operator for operator, _ in self.float_operators)
        return tuple(names), tuple(place for _, place in self.float_operators)

    def _check_raw_pixels(self, scaling: PixelScaling) -> None:
        """Check that the quantized input is the raw pixel (uint8) or the pixel minus 128 (int8).

        The zero point is an integer, so a scaling with an offset may be half a grey level off; without one it is exact.
        """
        affine = self.input.affine
        if affine is None:
            return
        pixels = np.arange(256)
        reals = affine.scale * (pixels + BLACK[affine.dtype] - affine.zero_point)
        errors = (reals - (pixels * scaling.scale + scaling.offset)) / scaling.scale  # in grey levels
        if np.abs(errors).max() > (HALF_A_LEVEL if scaling.offset else EXACT):
            raise ConversionError(
                f"The input has scale {affine.scale} and zero point {affine.zero_point}, so it does not take raw "
                "pixels. Calibrate with images that contain black and white pixels."
            )


def _bits(dtype: str) -> int:
    """Return the bits of a number of NumPy's type name `dtype`, such as 4 for ``"int4"``."""
    digits = dtype.lstrip("abcdefghijklmnopqrstuvwxyz")
    return int(digits) if digits.isdecimal() else 8
