"""Quantize one ready model in each way of `VARIANTS`.

``python -m mnist_tools.studies.quantizing.variants MODEL FOLDER`` writes ``KEY.tflite`` for each variant, ``made.json``
with the time or the failure of each, and ``reference.npy`` with the scores of the original for the test images.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mnist_exporters import Calibration, Original
from mnist_exporters.formats.quiet import quietly
from mnist_exporters.formats.tflite.int4 import int4_model
from mnist_runtime.errors import first_line
from mnist_tools.studies.quantizing.recipes import (
    converted_dynamic,
    converted_float16,
    converted_float32,
    converted_static,
    converter,
    dynamic_rules,
    float16_rules,
    int16_behind_scaling,
    quantized,
    real_pixels,
    recipe_rules,
    static_rules,
)
from mnist_trainer import load_data, load_model

__all__ = ["CALIBRATION_IMAGES", "VARIANTS", "Variant", "main"]

CALIBRATION_IMAGES = 500


@dataclass(frozen=True)
class Variant:
    """One way to quantize.

    Parameters
    ----------
    engine : str
        ``"converter"`` (TensorFlow's) or ``"quantizer"`` (LiteRT's).
    recipe : str
        Name as the quantizer writes it: weights ``wi4``, ``wi8``; activations ``ai8``, ``ai16``, ``afp32``.
    make : callable
        Function of an `Original` and a `Calibration`, to the bytes of a model.
    note : str
        Difference from other variants with the same recipe.
    """

    engine: str
    recipe: str
    make: Callable[[Original, Calibration], bytes]
    note: str = ""


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
"""Name of the file -> variant, in the order of the tables."""


def main(model: str, folder: Path) -> None:
    """Make every variant of `model`. A failure is recorded as a result."""
    data = load_data("mnist")
    original = Original.from_keras(load_model(model), data.test, name=model)
    calibration = Calibration.draw(data.train, CALIBRATION_IMAGES, seed=0)
    np.save(folder / "reference.npy", original.scores(data.test.images))
    with quietly():
        for variant in VARIANTS.values():  # load and warm up both engines before the times are measured
            if variant.recipe in ("float32", "dynamic_wi8_afp32"):
                variant.make(original, calibration)
    made: dict[str, Any] = {"pixel_scale": original.scaling.scale, "variants": {}}
    for key, variant in VARIANTS.items():
        started = time.perf_counter()
        try:
            with quietly():
                content = variant.make(original, calibration)
        except Exception as error:  # either engine may raise anything
            made["variants"][key] = {"failure": first_line(error).rpartition("Error: ")[2]}
        else:
            made["variants"][key] = {"seconds": round(time.perf_counter() - started, 2)}
            (folder / f"{key}.tflite").write_bytes(content)
    (folder / "made.json").write_text(json.dumps(made))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
