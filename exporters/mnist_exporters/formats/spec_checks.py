"""`check_matches`: check that a converted model is what was requested."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnist_exporters.errors import ConversionError, OperatorError, UsageError
from mnist_exporters.formats.contents import ACTIVATIONS, BLACK, WEIGHTS, Contents
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.precision import Precision
from mnist_exporters.spec.treatment import HIGHER, PLAIN, Treatment

if TYPE_CHECKING:
    from mnist_exporters.inputs.original import PixelScaling

__all__ = ["check_matches", "check_operators"]

KEEPS_MORE: dict[Precision, str] = {
    Precision.DYNAMIC: "Layers with few weights stay in float32. Try float16, or int8 if it supports all layers.",
    Precision.INT4: "The last layer, and layers without int4 weights, have int8 weights. Try dynamic, or int8 if it "
    "supports all layers.",
}
"""Precisions that apply to some layers only -> text that says which layers keep more bits, and what else to try."""

EXACT = 0.1
"""Largest accepted error of a pixel, in grey levels. It allows for the converter's rounding in float32."""

HALF_A_LEVEL = 0.5 + EXACT
"""Largest accepted error in grey levels if the scaling has an offset. The zero point is an integer and rounds it."""


def check_matches(contents: Contents, spec: ExportSpec, scaling: PixelScaling, treatment: Treatment = PLAIN) -> None:
    """Check that a model matches `spec`.

    Parameters
    ----------
    contents : Contents
        The model.
    spec : ExportSpec
        Format, precision, input and output types.
    scaling : PixelScaling
        Real number that each raw pixel stands for; see `Original.input_scaling`. A quantized input must match it.
    treatment : Treatment
        Repairs of the export. Its layers must have more bits than the precision.

    Raises
    ------
    OperatorError
        If an operator does not belong to the format or to the precision.
    ConversionError
        If a type or the input scale differs.
    UsageError
        If the precision applies to so few weights that it saves little.
    """
    if (contents.input.dtype, contents.output.dtype) != (spec.input_dtype, spec.output_dtype):
        raise ConversionError(
            f"The converter made a model with {contents.input.dtype} input and {contents.output.dtype} output, but "
            f"{spec.input_dtype} input and {spec.output_dtype} output were requested. Choose other types."
        )
    check_operators(contents, spec, treatment)
    _check_weights(contents, spec)
    _check_layers(contents, spec, treatment)
    allowed = ACTIVATIONS[spec.precision] | ({HIGHER[spec.format, spec.precision]} if treatment.layers else set())
    if others := set(contents.activations) - allowed:
        raise OperatorError(
            f"The model has {', '.join(sorted(others))} activations, which {spec.precision} does not allow. Choose "
            "another precision.",
            *_in_float(contents),
        )
    _check_raw_pixels(contents, scaling)


def _check_weights(contents: Contents, spec: ExportSpec) -> None:
    """Check that most weights have the type of the precision."""
    counts, most = contents.weight_counts, contents.main_weight_type
    if most in WEIGHTS[spec.precision]:
        return
    smaller = sum(count for dtype, count in counts.items() if dtype in WEIGHTS[spec.precision])
    if smaller and spec.precision in KEEPS_MORE:
        raise UsageError(
            f"{spec.precision} saves little for this model: it applies to {smaller / sum(counts.values()):.0%} of "
            f"the weights only. {KEEPS_MORE[spec.precision]}"
        )
    raise ConversionError(f"Most weights are {most}, not {spec.precision}. Choose another precision.")


def _check_layers(contents: Contents, spec: ExportSpec, treatment: Treatment) -> None:
    """Check that the layers of `treatment` have more bits; in int8 ``.tflite`` files, that no other layer has."""
    if not treatment.layers:
        return
    higher = HIGHER[spec.format, spec.precision]
    found = {place for place, layer in enumerate(contents.layers) if layer.weight_dtype == higher}
    is_exact = spec.format != "onnx" and spec.precision is Precision.INT8
    if found != set(treatment.layers) if is_exact else not found >= set(treatment.layers):
        raise ConversionError(
            f"The layers {sorted(found)} have {higher} weights, but {list(treatment.layers)} should. Please report "
            "this as a bug."
        )


def check_operators(contents: Contents, spec: ExportSpec, treatment: Treatment = PLAIN) -> None:
    """Check that all operators of a model belong to the format and to the precision.

    Raises
    ------
    OperatorError
        If an operator does not belong to them, or its result depends on more than the image.
    """
    contents.check_unchanging()
    if contents.foreign:
        raise OperatorError(
            f"The model needs operators that {contents.format} does not define: {', '.join(contents.foreign)}. Replace "
            "the layer that uses them.",
            contents.foreign,
        )
    floats = sorted({tensor.dtype for tensor in contents.tensors if tensor.dtype.startswith("float")})
    is_integer = "float32" not in (spec.input_dtype, spec.output_dtype) and not treatment.layers
    if spec.precision is Precision.INT8 and is_integer and floats:
        raise OperatorError(
            f"The model has {', '.join(floats)} tensors, but int8 allows integers only. Choose another precision.",
            *_in_float(contents),
        )


def _in_float(contents: Contents) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the operators that compute in floats, and the names of their outputs."""
    names = dict.fromkeys(operator for operator, _ in contents.float_operators)
    return tuple(names), tuple(place for _, place in contents.float_operators)


def _check_raw_pixels(contents: Contents, scaling: PixelScaling) -> None:
    """Check that the quantized input is the raw pixel (uint8) or the pixel minus 128 (int8).

    The zero point is an integer. So a scaling with an offset may be wrong by half a grey level; without an offset, it
    is exact.
    """
    affine = contents.input.affine
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
