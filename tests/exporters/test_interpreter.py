"""What the table says of an interpreter is what the interpreter does."""

import dataclasses
import importlib.metadata
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import EVERY_PAIR
from tests.exporters.test_contents import RIGHT

from mnist_exporters import ExportReport, Precision
from mnist_exporters.interpreter import INTERPRETERS, _known, loads_on


@pytest.mark.parametrize(("format", "precision"), EVERY_PAIR)
def test_the_ready_models_load_wherever_the_device_can_choose(
    exported: Callable[..., ExportReport], format: str, precision: Precision
) -> None:
    """On which they really load is shown by tests/parity."""
    report = exported("cnn", format, precision)
    expected = {"tflite": {"litert", "tflite-runtime"}, "onnx": {"onnxruntime"}, "c": {"tflite-micro"}}[format]
    assert set(report.loads_on) >= expected
    assert ("tflite-micro" in report.loads_on) == (precision in ("int8", "int16x8") and format != "onnx")


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
    from mnist_exporters.tflite_contents import read

    contents = read(dynamic_dense(tmp_path / "trap.tflite"))
    assert contents.operators["FULLY_CONNECTED"] == 12
    assert loads_on(contents) == ("litert",)
    obstacle = INTERPRETERS["tflite-runtime"].obstacle(contents)
    assert obstacle == "tflite-runtime 2.14.0 does not know FULLY_CONNECTED version 12"
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
