"""Keras to TFLite, with builtin operators only: float32, float16, dynamic range, int8, int4, and int16 by int8."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import ConversionError
from mnist_exporters.formats.contents import BLACK
from mnist_exporters.formats.quiet import quietly
from mnist_exporters.formats.tflite.int4 import int4_model
from mnist_exporters.formats.tflite.rewrites import with_integer_input, with_short_names
from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.inputs.original import Original
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.precision import Precision
from mnist_runtime.backends.quantization import QuantParams
from mnist_runtime.errors import first_line

__all__ = ["convert"]


def convert(original: Original, spec: ExportSpec, calibration: Calibration | None) -> bytes:
    """Convert `original` to a ``.tflite`` model from pixels (n, 28, 28, 1) to scores (n, 10).

    In int8 the model is converted without a scaling layer: its uint8 input is quantised as pixel = 255 * real (or
    pixel = real), so that the raw pixel is the quantised input already and no arithmetic is left to do.

    Raises
    ------
    ConversionError
        If an operator is not among the builtins.
    """
    import tensorflow as tf

    with quietly():
        if spec.precision is Precision.INT4:  # quantised below, from float32
            converter = tf.lite.TFLiteConverter.from_keras_model(original.scaled_model())
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        elif spec.precision.is_calibrated:
            converter = tf.lite.TFLiteConverter.from_keras_model(original.scaled_model())
            _ask_for_integers(converter, _real_pixels(original, spec, calibration), spec)
        else:
            converter = tf.lite.TFLiteConverter.from_keras_model(original.pixel_model())
            _ask_for_floats(converter, spec.precision)
        try:
            content: bytes = converter.convert()
        except Exception as error:  # the converter raises its own, undocumented types
            raise ConversionError(
                "Expected a model of TFLite's builtin operators, the converter refused "
                f"({first_line(error)}); replace the layer that it names."
            ) from error
        if spec.precision is Precision.INT4:
            content = int4_model(content, _real_pixels(original, spec, calibration))
        if spec.precision is Precision.INT16X8 and spec.input_dtype in BLACK:
            content = with_integer_input(
                content, QuantParams(original.pixel_scale, BLACK[spec.input_dtype], spec.input_dtype)
            )
    return with_short_names(content)


def _ask_for_floats(converter: Any, precision: Precision) -> None:
    import tensorflow as tf

    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if precision is not Precision.FLOAT32:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision is Precision.FLOAT16:
        converter.target_spec.supported_types = [tf.float16]
    # With a scale for each channel a dynamic dense layer is FULLY_CONNECTED version 12, which tflite-runtime 2.14,
    # the newest for a 32-bit Pi, does not know.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True


def _real_pixels(original: Original, spec: ExportSpec, calibration: Calibration | None) -> npt.NDArray[np.float32]:
    """Return the calibration images in the range that the original was trained on, float32 (n, 28, 28, 1)."""
    if calibration is None:
        raise ConversionError(f"Expected calibration images for {spec.precision}, received none.")
    return calibration.images[..., None].astype(np.float32) * np.float32(original.pixel_scale)


def _ask_for_integers(converter: Any, images: npt.NDArray[np.float32], spec: ExportSpec) -> None:
    import tensorflow as tf

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
        converter.inference_input_type = tf.float32  # it refuses 8-bit pixels here; see `with_integer_input`
    converter.inference_output_type = tf.dtypes.as_dtype(spec.output_dtype)
