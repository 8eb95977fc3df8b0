"""`Contents`: what is really inside a model, read back from its bytes; and whether it is what its name says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mnist_exporters.errors import ConversionError
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.precision import Precision
from mnist_runtime.backends.quantization import QuantParams

__all__ = ["BLACK", "Contents", "Tensor"]

WEIGHTS: dict[Precision, set[str]] = {
    Precision.FLOAT32: {"float32"},
    Precision.FLOAT16: {"float16"},
    Precision.DYNAMIC: {"int8", "uint8"},
    Precision.INT8: {"int8"},
    Precision.INT4: {"int4"},
    Precision.INT16X8: {"int8"},
}
"""Types that most of the weights must be held in, or the name would not be true."""

ACTIVATIONS: dict[Precision, set[str]] = {
    Precision.FLOAT32: {"float32"},
    Precision.FLOAT16: {"float32", "float16"},
    Precision.DYNAMIC: {"float32"},
    Precision.INT8: {"int8", "uint8"},
    Precision.INT4: {"int8", "uint8"},
    Precision.INT16X8: {"int16"},
}
"""Types that operators with weights may be given, before any quantisation on the fly."""

BLACK = {"uint8": 0, "int8": -128}
"""Integer type of an input -> what stands for a black pixel."""


@dataclass(frozen=True)
class Tensor:
    """One tensor of a model.

    Parameters
    ----------
    name, dtype : str
        As the file says; the type by NumPy's name.
    shape : tuple of int
        -1 where it is free.
    is_constant : bool
        Whether the file holds its values.
    affine : QuantParams or None
        What its integers stand for, where one scale holds for all of it.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    is_constant: bool
    affine: QuantParams | None = None


@dataclass(frozen=True)
class Contents:
    """The facts that an interpreter goes by.

    Parameters
    ----------
    format : str
        ``"tflite"`` or ``"onnx"``.
    tensors : tuple of Tensor
        All of them.
    input, output : Tensor
        The two ends.
    weights : dict of str to int
        Type -> bytes of constants with two or more dimensions.
    weight_types : dict of str to tuple of str
        Operator -> types of its weights.
    activations : tuple of str
        Types in which operators that have weights take their other input.
    operators : dict of str to int
        Name -> highest version. ONNX counts the version of an operator by the opset.
    foreign : tuple of str
        Operators that are not the format's own: custom ones, TensorFlow's "Flex" ones, other domains.
    opset, ir_version : int or None
        Of an ONNX file.
    arena_bytes : int or None
        Memory that an interpreter without an allocator must be given to work in.
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

    def requirements(self) -> dict[str, Any]:
        """Return what an interpreter must know to load the model, as the manifest holds it."""
        if self.format == "onnx":
            return {"opset": self.opset, "ir_version": self.ir_version}
        return {"operators": self.operators} | ({"arena_bytes": self.arena_bytes} if self.arena_bytes else {})

    def refuse_another_than(self, spec: ExportSpec, pixel_scale: float) -> None:
        """Make sure that this is what `spec` asks for.

        Parameters
        ----------
        spec : ExportSpec
            What was asked for.
        pixel_scale : float
            What raw pixels are multiplied by to be in the range of the original; integer inputs must amount to it.

        Raises
        ------
        ConversionError
            If a type, an operator or the quantisation of the input is another; it names the first that is.
        """
        if (self.input.dtype, self.output.dtype) != (spec.input_dtype, spec.output_dtype):
            raise ConversionError(
                f"The converter made a file with {self.input.dtype} input and {self.output.dtype} output, but "
                f"{spec.input_dtype} and {spec.output_dtype} were requested. Please report this as a bug."
            )
        if self.foreign:
            raise ConversionError(
                f"Expected {self.format}'s own operators only, the converter left {', '.join(self.foreign)}; replace "
                "the layer that they come from."
            )
        held = max(self.weights, key=lambda dtype: self.weights[dtype], default="none")
        if held not in WEIGHTS[spec.precision]:
            raise ConversionError(
                f"Expected {spec.precision} weights, the converter left most of them {held}: small layers, and the "
                "last one in int4, keep more bits; choose another precision."
            )
        if others := set(self.activations) - ACTIVATIONS[spec.precision]:
            raise ConversionError(
                f"Expected {spec.precision} activations, the converter left {', '.join(sorted(others))}; choose "
                "another precision."
            )
        self._refuse_floats_between_integers(spec)
        self._refuse_scaled_pixels(pixel_scale)

    def _refuse_floats_between_integers(self, spec: ExportSpec) -> None:
        floats = sorted({tensor.dtype for tensor in self.tensors if tensor.dtype.startswith("float")})
        if spec.precision is Precision.INT8 and "float32" not in (spec.input_dtype, spec.output_dtype) and floats:
            raise ConversionError(f"Expected integers only, the converter left tensors of {', '.join(floats)}.")

    def _refuse_scaled_pixels(self, pixel_scale: float) -> None:
        """Make sure that the raw pixel, or the pixel less 128, is the quantised value already."""
        affine = self.input.affine
        if affine is None:
            return
        pixels = np.arange(256)
        if not np.array_equal(affine.quantize(pixels * pixel_scale), pixels + BLACK[affine.dtype]):
            raise ConversionError(
                "Expected an input quantised so that pixels are taken raw, the converter chose scale "
                f"{affine.scale} and zero point {affine.zero_point}."
            )
