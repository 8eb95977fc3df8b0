"""Convert and quantize a model with TensorFlow's converter or with the LiteRT Quantizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from mnist_exporters import Calibration, Original

__all__ = [
    "Rules",
    "converted_dynamic",
    "converted_float16",
    "converted_float32",
    "converted_static",
    "converter",
    "dynamic_rules",
    "float16_rules",
    "int16_behind_scaling",
    "quantized",
    "real_pixels",
    "recipe_rules",
    "static_rules",
]

Pixels = npt.NDArray[np.float32]
Rules = Callable[[Any], None]
"""A function that adds its rules to a `litert_quantizer.quantizer.Quantizer`."""


def real_pixels(original: Original, calibration: Calibration) -> Pixels:
    """Return the calibration images in the pixel range of the model, of shape ``(n, 28, 28, 1)``."""
    pixels: Pixels = calibration.images[..., None].astype(np.float32) * np.float32(original.scaling.scale)
    return pixels


def converter(original: Original, *, raw: bool) -> Any:
    """Return TensorFlow's converter for the model with raw pixels 0..255 as input, or with scaled pixels."""
    return tf.lite.TFLiteConverter.from_keras_model(original.pixel_model() if raw else original.scaled_model())


def converted_float32(original: Original, calibration: Calibration) -> bytes:
    """Convert without quantization."""
    del calibration
    return bytes(converter(original, raw=True).convert())


def converted_float16(original: Original, calibration: Calibration) -> bytes:
    """Convert with float16 weights."""
    del calibration
    engine = converter(original, raw=True)
    engine.optimizations = [tf.lite.Optimize.DEFAULT]
    engine.target_spec.supported_types = [tf.float16]
    return bytes(engine.convert())


def converted_dynamic(original: Original, calibration: Calibration, *, dense_per_channel: bool = True) -> bytes:
    """Convert with int8 weights and float32 activations."""
    del calibration
    engine = converter(original, raw=True)
    engine.optimizations = [tf.lite.Optimize.DEFAULT]
    engine._experimental_disable_per_channel_quantization_for_dense_layers = not dense_per_channel
    return bytes(engine.convert())


def converted_static(original: Original, calibration: Calibration, *, bits: int) -> bytes:
    """Convert with int8 weights and activations of 8 or 16 `bits`."""

    def images() -> Iterator[list[Pixels]]:
        for image in real_pixels(original, calibration):
            yield [image[None]]

    engine = converter(original, raw=False)
    engine.optimizations = [tf.lite.Optimize.DEFAULT]
    engine.representative_dataset = images
    if bits == 8:
        engine.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        engine.inference_input_type = engine.inference_output_type = tf.uint8
    else:  # the converter has no uint8 input for int16 activations: input and output stay float32
        operators = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        engine.target_spec.supported_ops = [operators]
    return bytes(engine.convert())


def quantized(
    original: Original,
    calibration: Calibration,
    rules: Rules,
    *,
    raw: bool = True,
    at_once: bool = True,
    every_tensor: bool = False,
) -> bytes:
    """Convert to float32, then quantize with the LiteRT Quantizer.

    Parameters
    ----------
    original : Original
        The Keras model.
    calibration : Calibration
        The calibration images.
    rules : callable
        Adds its rules to an empty `Quantizer`.
    raw : bool
        Whether the float32 model takes raw pixels 0..255 instead of scaled ones.
    at_once : bool
        Calibrate with all images in one batch, so that the ranges cover all images. If the images come one by one, as
        in the documentation, the quantizer uses a moving average of their ranges.
    every_tensor : bool
        Keep every tensor during the calibration, which GPTQ needs.
    """
    from ai_edge_litert.interpreter import Interpreter
    from litert_quantizer import calibrator, quantizer

    model: bytes = converter(original, raw=raw).convert()
    engine = quantizer.Quantizer(bytearray(model))
    rules(engine)
    ranges = None
    if engine.need_calibration:
        images = calibration.images[..., None] if raw else real_pixels(original, calibration)
        ((signature, tensors),) = Interpreter(model_content=model).get_signature_list().items()
        modes = calibrator.CalibrationMode
        ranges = engine.calibrate(
            {signature: [{tensors["inputs"][0]: part} for part in ([images] if at_once else images[:, None])]},
            num_threads=1,
            mode=modes.CALIBRATION_PRESERVE_ALL_TENSORS if every_tensor else modes.CALIBRATION_PROFILER_BASED,
        )
    return bytes(engine.quantize(ranges, enable_progress_report=False).quantized_model)


def float16_rules(engine: Any) -> None:
    """Cast the weights to float16."""
    from litert_quantizer import algorithm_manager, qtyping

    engine.add_weight_only_config(
        ".*",
        qtyping.TFLOperationName.ALL_SUPPORTED,
        16,
        qtyping.QuantGranularity.TENSORWISE,
        algorithm_manager.AlgorithmName.FLOAT_CASTING,
    )


def recipe_rules(name: str) -> Rules:
    """Return the rules of a recipe that the quantizer contains."""

    def rules(engine: Any) -> None:
        from litert_quantizer import recipe

        engine.load_quantization_recipe(getattr(recipe, name)())

    return rules


def dynamic_rules(
    bits: int, *, dense_algorithm: str = "MIN_MAX_UNIFORM_QUANT", dense_per_channel: bool = True
) -> Rules:
    """Return rules for weights of `bits` bits and float32 activations."""

    def rules(engine: Any) -> None:
        from litert_quantizer import algorithm_manager, qtyping

        granularity = qtyping.QuantGranularity.CHANNELWISE if dense_per_channel else qtyping.QuantGranularity.TENSORWISE
        engine.add_dynamic_config(".*", qtyping.TFLOperationName.ALL_SUPPORTED, bits)
        engine.add_dynamic_config(
            ".*",
            qtyping.TFLOperationName.FULLY_CONNECTED,
            bits,
            granularity,
            algorithm_manager.AlgorithmName[dense_algorithm],
        )

    return rules


def static_rules(
    weights: int,
    *,
    convolution_algorithm: str = "MIN_MAX_UNIFORM_QUANT",
    dense_algorithm: str = "MIN_MAX_UNIFORM_QUANT",
    last_layer: int | None = None,
) -> Rules:
    """Return rules for int8 activations, uint8 input and output, and weights of 8 or 4 bits.

    Parameters
    ----------
    weights : int
        Bits of the weights of dense layers and convolutions.
    convolution_algorithm, dense_algorithm : str
        Rounding of the weights of convolutions and dense layers.
    last_layer : int, optional
        Bits of the weights of the last layer.
    """

    def rules(engine: Any) -> None:
        from litert_quantizer import algorithm_manager, qtyping

        operators, algorithms = qtyping.TFLOperationName, algorithm_manager.AlgorithmName
        engine.add_static_config(".*", operators.ALL_SUPPORTED, 8, 8)
        if weights != 8:
            for operator, algorithm in (
                (operators.CONV_2D, convolution_algorithm),
                (operators.FULLY_CONNECTED, dense_algorithm),
            ):
                engine.add_static_config(".*", operator, 8, weights, algorithm_key=algorithms[algorithm])
        if last_layer is not None:
            # Every ready model calls its last layer "scores".
            engine.add_static_config("scores", operators.FULLY_CONNECTED, 8, last_layer)
        pixels = qtyping.OpQuantizationConfig(
            activation_tensor_config=qtyping.TensorQuantizationConfig(
                num_bits=8, symmetric=False, dtype=qtyping.TensorDataType.UINT
            ),
            weight_tensor_config=qtyping.TensorQuantizationConfig(
                num_bits=8, granularity=qtyping.QuantGranularity.CHANNELWISE
            ),
            compute_precision=qtyping.ComputePrecision.INTEGER,
        )
        for operator in (operators.INPUT, operators.OUTPUT):
            engine.update_quantization_recipe(".*", operator, pixels)

    return rules


def int16_behind_scaling(engine: Any) -> None:
    """Quantize everything except the scaling of the raw pixels, the input and the output."""
    from litert_quantizer import algorithm_manager, qtyping

    operators = qtyping.TFLOperationName
    engine.add_static_config(".*", operators.ALL_SUPPORTED, 16, 8)
    for scope, operator in (("scaling", operators.MUL), (".*", operators.INPUT), (".*", operators.OUTPUT)):
        engine.update_quantization_recipe(scope, operator, None, algorithm_manager.AlgorithmName.NO_QUANTIZE)
