"""Convert Keras models to TFLite with builtin operators: float32, float16, dynamic-range, int8, int4, int16x8."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from mnist_exporters.errors import ConversionError, OperatorError
from mnist_exporters.formats.contents import BLACK
from mnist_exporters.formats.tflite.int16x8 import quantize_int16
from mnist_exporters.formats.tflite.logits import with_logits
from mnist_exporters.formats.tflite.ranges import quantize
from mnist_exporters.formats.tflite.rewrites import (
    with_integer_input,
    with_reshapes,
    with_short_names,
    with_static_batch,
)
from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.inputs.original import Original, PixelScaling
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.precision import Precision
from mnist_exporters.spec.treatment import PLAIN, Treatment
from mnist_runtime.backends.base import QuantParams
from mnist_runtime.errors import raise_machine_failure

__all__ = ["convert"]


def convert(
    original: Original, spec: ExportSpec, calibration: Calibration | None, treatment: Treatment = PLAIN
) -> bytes:
    """Convert `original` to a TFLite model from pixels (n, h, w, channels) to scores (n, k), with n = 1 in the file.

    Most models need no scaling layer in calibrated precisions. Scale and zero point of the input are chosen so that a
    raw pixel is already the quantized input, for example pixel = 255 * real. See `Original.input_scaling`.

    Raises
    ------
    OperatorError
        If the model needs other operators than TFLite's builtin ones.
    """
    if spec.precision is Precision.INT4:
        from mnist_exporters.formats.tflite.int4 import int4_model  # an optional extra

        float_model = _run(tf.lite.TFLiteConverter.from_keras_model(original.scaled_model()))
        content = int4_model(float_model, _real_pixels(original, spec, calibration), treatment.layers)
    elif spec.precision.is_calibrated:
        converter = tf.lite.TFLiteConverter.from_keras_model(original.scaled_model(integers=True))
        _set_integers(converter, _real_pixels(original, spec, calibration), spec)
        is_int8 = spec.precision is Precision.INT8
        content = _run(converter, partial(quantize, treatment=treatment) if is_int8 else quantize_int16)
    else:
        converter = tf.lite.TFLiteConverter.from_keras_model(original.pixel_model())
        _set_floats(converter, spec.precision)
        content = _run(converter)
    if spec.precision.is_calibrated:
        content = with_reshapes(content)
    if spec.precision is Precision.INT16X8 and spec.input_dtype in BLACK:
        content = with_integer_input(content, _quantization(original.input_scaling, spec.input_dtype))
    if treatment.activation:
        content = with_logits(content, original.score_kind, in_float=treatment.activation == "float")
    return with_static_batch(with_short_names(content))


def _run(converter: Any, quantizer: Callable[[Any], bytes] | None = None) -> bytes:
    try:
        content: bytes = quantizer(converter) if quantizer else converter.convert()
    except Exception as error:  # the converter does not document what it raises
        raise_machine_failure(error)
        text = str(error)
        found = dict.fromkeys("".join(groups) for groups in UNSUPPORTED.findall(text))
        raise OperatorError(
            f"The model cannot be converted to TFLite's builtin operators{_listed(found)}. Replace the layer that "
            "needs others.",
            tuple(found),
            tuple(PLACE.findall(text)),
        ) from error
    return content


UNSUPPORTED = re.compile(r"\btf\.(?!Identity\b|[a-z])(\w+)|\bFlex([A-Z]\w+)|for op: '?(\w+)")
"""Pattern of operator names in the converter's error messages."""

PLACE = re.compile(r'"([^"\s]+/[^"\s]+)"')
"""Pattern of node names in these messages."""


def _listed(operators: Iterable[str]) -> str:
    names = ", ".join(operators)
    return f": it needs {names}" if names else ""


def _set_floats(converter: Any, precision: Precision) -> None:
    """Configure `converter` for float32, float16 or dynamic-range."""
    if precision is not Precision.FLOAT32:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision is Precision.FLOAT16:
        converter.target_spec.supported_types = [tf.float16]
    # With one scale per channel, a dynamic dense layer becomes FULLY_CONNECTED version 12. tflite-runtime 2.14, the
    # newest release for a 32-bit Pi, does not support that version.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True


def _set_integers(converter: Any, images: npt.NDArray[np.float32], spec: ExportSpec) -> None:
    """Configure `converter` for int8 or int16x8, calibrated with `images`."""

    def representative() -> Iterator[list[Any]]:
        for image in images:
            yield [image[None]]

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    if spec.precision is Precision.INT8:
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.dtypes.as_dtype(spec.input_dtype)
    else:
        operators = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [operators]
        converter.inference_input_type = tf.float32  # `with_integer_input` adds the 8-bit input later
    converter.inference_output_type = tf.dtypes.as_dtype(spec.output_dtype)


def _real_pixels(original: Original, spec: ExportSpec, calibration: Calibration | None) -> npt.NDArray[np.float32]:
    """Return the calibration images in the scaling of the model to convert, float32 (n, h, w, channels)."""
    if calibration is None:
        raise ConversionError(f"{spec.precision} needs calibration images. Pass `calibration`.")
    scaling = original.input_scaling
    pixels = calibration.tensors.astype(np.float32)
    return pixels * np.float32(scaling.scale) + np.float32(scaling.offset)


def _quantization(scaling: PixelScaling, dtype: str) -> QuantParams:
    """Return the quantization of an input whose integers are raw pixels (uint8) or raw pixels minus 128 (int8)."""
    return QuantParams(scaling.scale, BLACK[dtype] - round(scaling.offset / scaling.scale), dtype)
