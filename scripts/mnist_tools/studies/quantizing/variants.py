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
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mnist_exporters import Calibration, Original
from mnist_exporters.formats.quiet import quietly
from mnist_exporters.formats.tflite.int4 import int4_model
from mnist_runtime.errors import first_line
from mnist_tools.studies.quantizing.recipes import (
    Rules,
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


def _by_converter(recipe: str, make: Callable[[Original, Calibration], bytes], note: str = "") -> Variant:
    return Variant("converter", recipe, make, note)


def _by_quantizer(recipe: str, rules: Rules | None = None, note: str = "", **settings: bool) -> Variant:
    """Return a variant of the LiteRT Quantizer.

    Parameters
    ----------
    recipe, note : str
        See `Variant`.
    rules : callable, optional
        Rules of the quantization. Default: those of the recipe, which the quantizer contains.
    **settings : bool
        See `quantized`.
    """
    used = rules or recipe_rules(recipe)
    return Variant(
        "quantizer", recipe, lambda original, calibration: quantized(original, calibration, used, **settings), note
    )


def _exported_int4(original: Original, calibration: Calibration) -> bytes:
    return int4_model(converter(original, raw=False).convert(), real_pixels(original, calibration))


INT4 = "static_wi4_ai8"

VARIANTS: dict[str, Variant] = {
    "converter-float32": _by_converter("float32", converted_float32),
    "converter-float16": _by_converter("float16", converted_float16),
    "converter-dynamic": _by_converter("dynamic_wi8_afp32", converted_dynamic),
    "converter-dynamic-tensor": _by_converter(
        "dynamic_wi8_afp32", partial(converted_dynamic, dense_per_channel=False), "one scale for a dense layer"
    ),
    "converter-int8": _by_converter("static_wi8_ai8", partial(converted_static, bits=8)),
    "converter-int16x8": _by_converter("static_wi8_ai16", partial(converted_static, bits=16)),
    "quantizer-float16": _by_quantizer("float16", float16_rules),
    "quantizer-dynamic": _by_quantizer("dynamic_wi8_afp32"),
    "quantizer-dynamic-tensor": _by_quantizer(
        "dynamic_wi8_afp32", dynamic_rules(8, dense_per_channel=False), "one scale for a dense layer"
    ),
    "quantizer-dynamic-legacy": _by_quantizer("dynamic_legacy_wi8_afp32"),
    "quantizer-weight-only": _by_quantizer("weight_only_wi8_afp32"),
    "quantizer-int8-average": _by_quantizer(
        "static_wi8_ai8", static_rules(8), "images one by one", raw=False, at_once=False
    ),
    "quantizer-int8": _by_quantizer("static_wi8_ai8", static_rules(8), raw=False),
    "quantizer-int16x8": _by_quantizer("static_wi8_ai16", raw=False),
    "quantizer-int16x8-raw": _by_quantizer("static_wi8_ai16", int16_behind_scaling, "behind a float scaling"),
    "quantizer-dynamic-int4": _by_quantizer("dynamic_wi4_afp32"),
    "quantizer-dynamic-int4-gptq": _by_quantizer(
        "dynamic_wi4_afp32", dynamic_rules(4, dense_algorithm="GPTQ"), "dense layers by GPTQ", every_tensor=True
    ),
    "quantizer-dynamic-int4-hadamard": _by_quantizer("dynamic_wi4c_hr_afp32", note="rotated by Hadamard"),
    "quantizer-weight-only-int4": _by_quantizer("weight_only_wi4_afp32"),
    "quantizer-static-int4": _by_quantizer(INT4, static_rules(4), raw=False),
    "quantizer-static-int4-mse": _by_quantizer(
        INT4, static_rules(4, convolution_algorithm="MSE", dense_algorithm="MSE"), "rounded by MSE", raw=False
    ),
    "quantizer-static-int4-octav": _by_quantizer(
        INT4, static_rules(4, convolution_algorithm="OCTAV", dense_algorithm="OCTAV"), "rounded by OCTAV", raw=False
    ),
    "quantizer-static-int4-gptq": _by_quantizer(
        INT4, static_rules(4, dense_algorithm="GPTQ"), "dense layers by GPTQ", raw=False, every_tensor=True
    ),
    "quantizer-static-int4-last8": _by_quantizer(INT4, static_rules(4, last_layer=8), "last layer wi8", raw=False),
    "quantizer-static-int4-exported": Variant("quantizer", INT4, _exported_int4, "as `mnist-export` makes it"),
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
