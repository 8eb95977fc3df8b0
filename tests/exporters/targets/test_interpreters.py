"""What the table says of an interpreter is what the interpreter does."""

import dataclasses
import importlib.metadata
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.export_cases import EVERY_EXPORT, EVERY_PAIR
from tests.exporters.formats.test_contents import RIGHT

from mnist_exporters import ExportReport, Precision
from mnist_exporters.targets.interpreters import INTERPRETERS, _known, loads_on

RUN_IN_TFLM = """
import sys
import numpy as np
from tflite_micro.python.tflite_micro import runtime
interpreter = runtime.Interpreter.from_bytes(open(sys.argv[1], "rb").read(), arena_size=2**20)
interpreter.set_input(np.zeros((1, 28, 28, 1), interpreter.get_input_details(0)["dtype"]), 0)
interpreter.invoke()
"""


@pytest.mark.parametrize(
    ("model", "format", "precision"), [each for each in EVERY_EXPORT if each.values[1] == "tflite"]
)
def test_microcontrollers_load_what_they_are_said_to(
    exported: Callable[..., ExportReport], run: Callable[..., object], model: str, format: str, precision: Precision
) -> None:
    """The other interpreters are put to the same test in tests/parity."""
    report = exported(model, format, precision)
    done = run("python", "-c", RUN_IN_TFLM, report.path)
    assert (done.returncode == 0) == ("tflite-micro" in report.loads_on)


@pytest.mark.parametrize(("format", "precision"), EVERY_PAIR)
def test_the_default_model_loads_wherever_its_format_does(
    exported: Callable[..., ExportReport], format: str, precision: Precision
) -> None:
    expected = {"tflite": {"litert", "tflite-runtime"}, "onnx": {"onnxruntime"}, "c": {"tflite-micro"}}[format]
    assert set(exported("cnn", format, precision).loads_on) >= expected


def dynamic_dense(path: Path) -> bytes:
    """Make what TensorFlow makes of a dense layer left to itself: one scale a channel."""
    import keras
    import tensorflow as tf

    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(64), keras.layers.Dense(10)])
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    content: bytes = converter.convert()
    path.write_bytes(content)
    return content


def test_the_known_trap_is_foretold(run: Callable[..., object], tmp_path: Path) -> None:
    from mnist_exporters.formats.tflite.read import read

    contents = read(dynamic_dense(tmp_path / "trap.tflite"))
    assert contents.operators["FULLY_CONNECTED"] == 12
    assert loads_on(contents) == ("litert",), "and its floats keep numpy from it"
    unsupported_reason = INTERPRETERS["tflite-runtime"].unsupported_reason(contents)
    assert unsupported_reason == "tflite-runtime 2.14.0 does not know FULLY_CONNECTED version 12"
    for module, works in (("ai_edge_litert", True), ("tflite_runtime", False)):
        if importlib.util.find_spec(module) is None:
            continue
        code = (
            f"from {module}.interpreter import Interpreter; Interpreter(model_path={str(tmp_path / 'trap.tflite')!r})"
        )
        assert (run("python", "-c", code).returncode == 0) == works


def test_foreign_operators_and_types_load_nowhere() -> None:
    assert "tflite-micro" in loads_on(RIGHT)
    assert loads_on(dataclasses.replace(RIGHT, foreign=("FlexErf",))) == ()
    assert "tflite-micro" not in loads_on(dataclasses.replace(RIGHT, activations=("float32",)))
    assert loads_on(dataclasses.replace(RIGHT, format="onnx", opset=17, ir_version=8)) == ("onnxruntime",)
    assert loads_on(dataclasses.replace(RIGHT, format="onnx", opset=20, ir_version=8)) == ()
    assert loads_on(dataclasses.replace(RIGHT, format="onnx", opset=17, ir_version=10)) == ()


def test_every_row_was_measured() -> None:
    assert set(_known()) == set(INTERPRETERS)
    for name, known in _known().items():
        assert known["version"].split(".")[0].isdigit()
        assert ("opset" in known) == ("onnx" in INTERPRETERS[name].formats)
