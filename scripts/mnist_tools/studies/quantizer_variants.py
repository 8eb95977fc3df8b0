"""Quantise one ready model in every way that is compared; called by ``scripts/mnist_tools/studies/quantizers.py``.

Usage: ``quantizer_variants.py MODEL FOLDER`` writes ``KEY.tflite`` for each of `VARIANTS`, what was measured in making
them, ``made.json``, and what the original says of the test images, ``reference.npy``.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mnist_exporters import Calibration, Original
from mnist_exporters.formats.quiet import quietly
from mnist_exporters.formats.tflite.int4 import int4_model
from mnist_exporters.inputs.original import PIXEL_RANGES
from mnist_runtime.errors import first_line
from mnist_trainer import load_data, load_model
from mnist_trainer.keras_support import import_tensorflow

CALIBRATION_IMAGES = 500


@dataclass(frozen=True)
class Variant:
    """One way to quantise.

    Parameters
    ----------
    engine : str
        ``"converter"`` (TensorFlow's) or ``"quantizer"`` (LiteRT's).
    recipe : str
        In the words of the quantizer: weights ``wi4``, ``wi8``, activations ``ai8``, ``ai16``, ``afp32``.
    make : callable
        From `Original` and `Calibration` to the bytes of a model.
    note : str
        What the recipe does not say.
    """

    engine: str
    recipe: str
    make: Callable[[Original, Calibration], bytes]
    note: str = ""


def main(model: str, folder: Path) -> None:
    """Make every variant of `model`; one that cannot be made is part of the truth."""
    import_tensorflow()
    data = load_data("mnist")
    original = Original.from_keras(load_model(model), data.test, name=model)
    calibration = Calibration.draw(data.train, CALIBRATION_IMAGES, seed=0)
    np.save(folder / "reference.npy", original.scores(data.test.images))
    with quietly():
        for variant in VARIANTS.values():  # both engines loaded and warm before the clock runs
            if variant.recipe in ("float32", "dynamic_wi8_afp32"):
                variant.make(original, calibration)
    made: dict[str, Any] = {"pixel_scale": PIXEL_RANGES[original.pixel_range], "variants": {}}
    for key, variant in VARIANTS.items():
        started = time.perf_counter()
        try:
            with quietly():
                content = variant.make(original, calibration)
        except Exception as error:  # whatever either engine raises
            first = first_line(error)
            made["variants"][key] = {"failure": first.rpartition("Error: ")[2]}
        else:
            made["variants"][key] = {"seconds": round(time.perf_counter() - started, 2)}
            (folder / f"{key}.tflite").write_bytes(content)
    (folder / "made.json").write_text(json.dumps(made))


def real_pixels(original: Original, calibration: Calibration) -> np.ndarray:
    """Return the calibration images as the model was trained on them, float32 (n, 28, 28, 1)."""
    return calibration.images[..., None].astype(np.float32) * np.float32(PIXEL_RANGES[original.pixel_range])


def converter(original: Original, *, raw: bool) -> Any:
    """Return TensorFlow's converter of the model from raw pixels, or from scaled ones."""
    import tensorflow as tf

    return tf.lite.TFLiteConverter.from_keras_model(original.pixel_model() if raw else original.scaled_model())


def converted_float32(original: Original, calibration: Calibration) -> bytes:
    """Convert without quantising."""
    del calibration
    return converter(original, raw=True).convert()


def converted_float16(original: Original, calibration: Calibration) -> bytes:
    """Convert with float16 weights."""
    import tensorflow as tf

    del calibration
    asked = converter(original, raw=True)
    asked.optimizations = [tf.lite.Optimize.DEFAULT]
    asked.target_spec.supported_types = [tf.float16]
    return asked.convert()


def converted_dynamic(original: Original, calibration: Calibration, *, dense_per_channel: bool = True) -> bytes:
    """Convert with int8 weights and float32 activations."""
    import tensorflow as tf

    del calibration
    asked = converter(original, raw=True)
    asked.optimizations = [tf.lite.Optimize.DEFAULT]
    asked._experimental_disable_per_channel_quantization_for_dense_layers = not dense_per_channel
    return asked.convert()


def converted_static(original: Original, calibration: Calibration, *, bits: int) -> bytes:
    """Convert with int8 weights and activations of 8 or 16 bits."""
    import tensorflow as tf

    def images() -> Iterator[list[np.ndarray]]:
        for image in real_pixels(original, calibration):
            yield [image[None]]

    asked = converter(original, raw=False)
    asked.optimizations = [tf.lite.Optimize.DEFAULT]
    asked.representative_dataset = images
    if bits == 8:
        asked.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        asked.inference_input_type = asked.inference_output_type = tf.uint8
    else:  # which refuses uint8 pixels, so that input and output stay float32
        operators = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        asked.target_spec.supported_ops = [operators]
    return asked.convert()


def quantized(
    original: Original,
    calibration: Calibration,
    rules: Callable[[Any], None],
    *,
    raw: bool = True,
    at_once: bool = True,
    every_tensor: bool = False,
) -> bytes:
    """Convert to float32, then quantise with the LiteRT Quantizer.

    Parameters
    ----------
    original, calibration
        What, and with which images.
    rules : callable
        Adds its rules to an empty `Quantizer`.
    raw : bool
        From the float32 model that takes raw pixels; or from the one that takes scaled ones.
    at_once : bool
        Calibrate with all images in one batch: the ranges are those of all images. One by one, as its documentation
        shows it, the quantizer takes a moving average of the images' ranges.
    every_tensor : bool
        Keep every tensor while calibrating, which GPTQ needs.
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
    """Cast the weights."""
    from litert_quantizer import algorithm_manager, qtyping

    engine.add_weight_only_config(
        ".*",
        qtyping.TFLOperationName.ALL_SUPPORTED,
        16,
        qtyping.QuantGranularity.TENSORWISE,
        algorithm_manager.AlgorithmName.FLOAT_CASTING,
    )


def recipe_rules(name: str) -> Callable[[Any], None]:
    """Return the rules of a ready recipe."""

    def rules(engine: Any) -> None:
        from litert_quantizer import recipe

        engine.load_quantization_recipe(getattr(recipe, name)())

    return rules


def dynamic_rules(bits: int, *, dense_algorithm: str = "MIN_MAX_UNIFORM_QUANT", dense_per_channel: bool = True) -> Any:
    """Return rules for quantised weights, activations in float32."""

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
) -> Callable[[Any], None]:
    """Return rules for int8 activations, uint8 pixels and scores, and weights of 8 or 4 bits.

    Parameters
    ----------
    weights : int
        Bits of the weights of dense layers and convolutions.
    convolution_algorithm, dense_algorithm : str
        How their weights are rounded.
    last_layer : int, optional
        Bits of the weights of the layer that gives the scores.
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
            engine.add_static_config(
                "scores", operators.FULLY_CONNECTED, 8, last_layer
            )  # its name in every ready model
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
    """Quantise all but the scaling of the raw pixels and the scores."""
    from litert_quantizer import algorithm_manager, qtyping

    operators = qtyping.TFLOperationName
    engine.add_static_config(".*", operators.ALL_SUPPORTED, 16, 8)
    for scope, operator in (("scaling", operators.MUL), (".*", operators.INPUT), (".*", operators.OUTPUT)):
        engine.update_quantization_recipe(scope, operator, None, algorithm_manager.AlgorithmName.NO_QUANTIZE)


VARIANTS: dict[str, Variant] = {
    "converter-float32": Variant("converter", "float32", converted_float32),
    "converter-float16": Variant("converter", "float16", converted_float16),
    "converter-dynamic": Variant("converter", "dynamic_wi8_afp32", converted_dynamic),
    "converter-dynamic-tensor": Variant(
        "converter",
        "dynamic_wi8_afp32",
        lambda original, calibration: converted_dynamic(original, calibration, dense_per_channel=False),
        "one scale for a dense layer",
    ),
    "converter-int8": Variant(
        "converter",
        "static_wi8_ai8",
        lambda original, calibration: converted_static(original, calibration, bits=8),
    ),
    "converter-int16x8": Variant(
        "converter",
        "static_wi8_ai16",
        lambda original, calibration: converted_static(original, calibration, bits=16),
    ),
    "quantizer-float16": Variant(
        "quantizer",
        "float16",
        lambda original, calibration: quantized(original, calibration, float16_rules),
    ),
    "quantizer-dynamic": Variant(
        "quantizer",
        "dynamic_wi8_afp32",
        lambda original, calibration: quantized(original, calibration, recipe_rules("dynamic_wi8_afp32")),
    ),
    "quantizer-dynamic-tensor": Variant(
        "quantizer",
        "dynamic_wi8_afp32",
        lambda original, calibration: quantized(original, calibration, dynamic_rules(8, dense_per_channel=False)),
        "one scale for a dense layer",
    ),
    "quantizer-dynamic-legacy": Variant(
        "quantizer",
        "dynamic_legacy_wi8_afp32",
        lambda original, calibration: quantized(original, calibration, recipe_rules("dynamic_legacy_wi8_afp32")),
    ),
    "quantizer-weight-only": Variant(
        "quantizer",
        "weight_only_wi8_afp32",
        lambda original, calibration: quantized(original, calibration, recipe_rules("weight_only_wi8_afp32")),
    ),
    "quantizer-int8-average": Variant(
        "quantizer",
        "static_wi8_ai8",
        lambda original, calibration: quantized(original, calibration, static_rules(8), raw=False, at_once=False),
        "images one by one",
    ),
    "quantizer-int8": Variant(
        "quantizer",
        "static_wi8_ai8",
        lambda original, calibration: quantized(original, calibration, static_rules(8), raw=False),
    ),
    "quantizer-int16x8": Variant(
        "quantizer",
        "static_wi8_ai16",
        lambda original, calibration: quantized(original, calibration, recipe_rules("static_wi8_ai16"), raw=False),
    ),
    "quantizer-int16x8-raw": Variant(
        "quantizer",
        "static_wi8_ai16",
        lambda original, calibration: quantized(original, calibration, int16_behind_scaling),
        "behind a float scaling",
    ),
    "quantizer-dynamic-int4": Variant(
        "quantizer",
        "dynamic_wi4_afp32",
        lambda original, calibration: quantized(original, calibration, recipe_rules("dynamic_wi4_afp32")),
    ),
    "quantizer-dynamic-int4-gptq": Variant(
        "quantizer",
        "dynamic_wi4_afp32",
        lambda original, calibration: quantized(
            original, calibration, dynamic_rules(4, dense_algorithm="GPTQ"), every_tensor=True
        ),
        "dense layers by GPTQ",
    ),
    "quantizer-dynamic-int4-hadamard": Variant(
        "quantizer",
        "dynamic_wi4c_hr_afp32",
        lambda original, calibration: quantized(original, calibration, recipe_rules("dynamic_wi4c_hr_afp32")),
        "rotated by Hadamard",
    ),
    "quantizer-weight-only-int4": Variant(
        "quantizer",
        "weight_only_wi4_afp32",
        lambda original, calibration: quantized(original, calibration, recipe_rules("weight_only_wi4_afp32")),
    ),
    "quantizer-static-int4": Variant(
        "quantizer",
        "static_wi4_ai8",
        lambda original, calibration: quantized(original, calibration, static_rules(4), raw=False),
    ),
    "quantizer-static-int4-mse": Variant(
        "quantizer",
        "static_wi4_ai8",
        lambda original, calibration: quantized(
            original,
            calibration,
            static_rules(4, convolution_algorithm="MSE", dense_algorithm="MSE"),
            raw=False,
        ),
        "rounded by MSE",
    ),
    "quantizer-static-int4-octav": Variant(
        "quantizer",
        "static_wi4_ai8",
        lambda original, calibration: quantized(
            original,
            calibration,
            static_rules(4, convolution_algorithm="OCTAV", dense_algorithm="OCTAV"),
            raw=False,
        ),
        "rounded by OCTAV",
    ),
    "quantizer-static-int4-gptq": Variant(
        "quantizer",
        "static_wi4_ai8",
        lambda original, calibration: quantized(
            original, calibration, static_rules(4, dense_algorithm="GPTQ"), raw=False, every_tensor=True
        ),
        "dense layers by GPTQ",
    ),
    "quantizer-static-int4-last8": Variant(
        "quantizer",
        "static_wi4_ai8",
        lambda original, calibration: quantized(original, calibration, static_rules(4, last_layer=8), raw=False),
        "last layer wi8",
    ),
    "quantizer-static-int4-exported": Variant(
        "quantizer",
        "static_wi4_ai8",
        lambda original, calibration: int4_model(
            converter(original, raw=False).convert(), real_pixels(original, calibration)
        ),
        "as `mnist-export` makes it",
    ),
}
"""Key, which is also the file's name -> variant, in the order of the tables."""

if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
