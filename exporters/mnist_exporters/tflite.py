"""Keras to TFLite, with builtin operators only: float32, float16, dynamic range, and int8 through and through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mnist_exporters.calibration import Calibration
from mnist_exporters.converter_output import quietly
from mnist_exporters.errors import ConversionError
from mnist_exporters.original import PIXEL_RANGES, Original
from mnist_exporters.precision import Precision
from mnist_runtime.affine import Affine

__all__ = ["convert", "enclose"]

INTEGER_TYPES = {"int8", "uint8", "int32", "int64"}
"""What an integer model may hold: 8-bit weights and activations, wider biases and shapes."""

NEEDED_TYPES: dict[Precision, set[str]] = {
    Precision.FLOAT32: {"float32"},
    Precision.FLOAT16: {"float16"},
    Precision.DYNAMIC: {"float32", "int8"},
    Precision.INT8: {"int8"},
}
"""Types that a file of each precision must hold, or its name would not be true."""


def convert(original: Original, precision: Precision, calibration: Calibration | None) -> bytes:
    """Convert `original` to a ``.tflite`` file from raw pixels, uint8 (n, 28, 28, 1), to scores.

    In int8 the model is converted without a scaling layer: its uint8 input is quantised as pixel = 255 * real (or
    pixel = real), so that the raw pixel is the quantised input already and no arithmetic is left to do.

    Raises
    ------
    ConversionError
        If an operator is not among the builtins, or the file is not what was asked for.
    """
    import tensorflow as tf

    with quietly():
        if precision is Precision.INT8:
            converter = tf.lite.TFLiteConverter.from_keras_model(original.scaled_model())
            _ask_for_int8(converter, original, calibration)
        else:
            converter = tf.lite.TFLiteConverter.from_keras_model(original.pixel_model())
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
            if precision is not Precision.FLOAT32:
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
            if precision is Precision.FLOAT16:
                converter.target_spec.supported_types = [tf.float16]
            # With a scale for each channel a dynamic dense layer is FULLY_CONNECTED version 12, on which
            # tflite-runtime 2.14, the newest for a 32-bit Pi, ends the process.
            converter._experimental_disable_per_channel_quantization_for_dense_layers = True
        try:
            content: bytes = converter.convert()
        except Exception as error:  # the converter raises its own, undocumented types
            raise ConversionError(
                "Expected a model of TFLite's builtin operators, the converter refused "
                f"({next(iter(str(error).splitlines()), 'no reason')}); replace the layer that it names."
            ) from error
        _check(content, original, precision)
    return content


def enclose(trailer: bytes) -> bytes:
    """Return `trailer` as it may follow a ``.tflite``: a FlatBuffer is read by offsets from its start."""
    return trailer


def _ask_for_int8(converter: Any, original: Original, calibration: Calibration | None) -> None:
    import tensorflow as tf

    if calibration is None:
        raise ConversionError("Expected calibration images for int8, received none.")
    images = calibration.images

    def representative() -> Iterator[list[Any]]:
        scale = np.float32(PIXEL_RANGES[original.pixel_range])
        for image in images:
            yield [image.reshape(1, 28, 28, 1).astype(np.float32) * scale]

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.uint8


def _check(content: bytes, original: Original, precision: Precision) -> None:
    """Read the file back: it takes raw pixels, and its weights are of the type that was asked for."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=1)
    source = interpreter.get_input_details()[0]
    if source["dtype"] != np.uint8:
        raise ConversionError(f"Expected a file that takes uint8 pixels, the converter made one for {source['dtype']}.")
    held = {np.dtype(tensor["dtype"]).name for tensor in interpreter.get_tensor_details()}
    missing = NEEDED_TYPES[precision] - held
    if missing:
        raise ConversionError(
            f"Expected {precision} weights, the converter left {', '.join(sorted(held))}: the layers may be too small "
            "for it; choose another precision."
        )
    if precision is Precision.INT8:
        _check_integers(held, source["quantization"], original)


def _check_integers(held: set[str], quantization: tuple[float, int], original: Original) -> None:
    if others := held - INTEGER_TYPES:
        raise ConversionError(f"Expected integers only, the converter left tensors of {', '.join(sorted(others))}.")
    pixels = np.arange(256)
    scale, zero_point = quantization
    quantised = Affine(float(scale), int(zero_point), "uint8").quantize(pixels * PIXEL_RANGES[original.pixel_range])
    if not np.array_equal(quantised, pixels):
        raise ConversionError(
            f"Expected an input quantised so that pixels are taken raw, the converter chose scale {scale} and zero "
            f"point {zero_point}."
        )
