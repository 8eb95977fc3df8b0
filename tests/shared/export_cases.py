"""Parameters for tests of every format, precision and ready model. New rows of the tables are included."""

import pytest
from tests.shared.backend_cases import EVERY_BACKEND

from mnist_exporters import FORMATS, Precision
from mnist_runtime import BACKENDS
from mnist_trainer import READY_MODELS

EVERY_PAIR = [(name, precision) for name, row in FORMATS.items() for precision in row.io_types]
"""Each format with each of its precisions."""

FEW = [("tflite", "float32"), ("tflite", "int8"), ("onnx", "int8"), ("c", "int8"), ("tflm", "int8")]
EACH_PAIR = [pytest.param(*pair, marks=() if pair in FEW else pytest.mark.slow) for pair in EVERY_PAIR]
"""The same, for tests that export a file for each. Not slow: the default precision of each format, and float."""

DEVICE_PAIR = [(name, p) for name, p in EVERY_PAIR if name in {row.format for row in BACKENDS.values()}]
"""Those that `mnist_runtime` runs; the others are for devices without Python."""

DEVICE_FILE = [
    *(
        pytest.param("cnn", *pair, marks=pytest.mark.slow if pair[1] is Precision.INT16X8 else ())
        for pair in DEVICE_PAIR
    ),
    ("tiny", "tflite", Precision.INT16X8),
]
"""`cnn` in each of them. Its int16x8 file takes long in LiteRT and is marked slow; the one of `tiny` is not."""

EACH_READY = [pytest.param(name, marks=pytest.mark.slow if name == "accurate" else ()) for name in READY_MODELS]
"""Each ready model; the largest is marked slow."""

LONG = {("accurate", "c"), ("accurate", "tflm"), ("cnn", "c"), ("cnn", "tflm"), ("tiny", "c")} | {
    (name, "web") for name in READY_MODELS
}
"""Exports that take long. Tests of the formats make C code of `tiny`, whose network has the operators of `cnn`."""

QUICK = {(model, "int8") for model in ("linear", "tiny", "cnn")} | {("linear", "float32")}

EVERY_EXPORT = [
    pytest.param(
        model,
        format,
        precision,
        marks=() if (model, precision.value) in QUICK and (model, format) not in LONG else pytest.mark.slow,
    )
    for model in READY_MODELS
    for format, precision in EVERY_PAIR
]
"""Each ready model in each format and precision. Not slow: int8 of the smaller ones, and `linear` in float32."""

COMPILED_AS_LINEAR = {"c": "linear", "tflm": "linear"}
"""Format -> the model to export where any model will do, because `cnn` takes long to compile; otherwise `cnn`."""

EVERY_RUN = [
    pytest.param(backend.values[0], precision, marks=backend.marks)
    for backend in EVERY_BACKEND
    for format, precision in EVERY_PAIR
    if BACKENDS[backend.values[0]].runs((format,), str(precision))
]
"""Each backend with each precision of the files that it runs."""
