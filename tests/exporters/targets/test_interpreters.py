"""The table of interpreters, compared with what the interpreters do."""

import dataclasses
import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.shared.contents_cases import INT8_CONTENTS
from tests.shared.export_cases import COMPILED_AS_LINEAR, EACH_PAIR, EVERY_EXPORT

from mnist_exporters import FORMATS, ExportReport, Precision
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.targets.interpreters import INTERPRETERS, loads_on, measured
from mnist_runtime import BACKENDS

RUN_IN_TFLM = """
import sys
import numpy as np
from tflite_micro.python.tflite_micro import runtime
interpreter = runtime.Interpreter.from_bytes(open(sys.argv[1], "rb").read(), arena_size=2**20)
interpreter.set_input(np.zeros((1, 28, 28, 1), interpreter.get_input_details(0)["dtype"]), 0)
interpreter.invoke()
"""


@pytest.mark.parametrize(
    ("model", "format", "precision"),
    [
        pytest.param(*case.values, marks=case.marks if case.values[0] == "linear" else pytest.mark.slow)
        for case in EVERY_EXPORT
        if case.values[1] == "tflite"
    ],
)
def test_tflite_micro_runs_the_files_that_name_it(
    exported: Callable[..., ExportReport], run: Callable[..., object], model: str, format: str, precision: Precision
) -> None:
    """tests/parity does the same for the other interpreters."""
    report = exported(model, format, precision)
    done = run("python", "-c", RUN_IN_TFLM, report.path)
    assert (done.returncode == 0) == ("tflite-micro" in report.loads_on)


@pytest.mark.parametrize(("format", "precision"), EACH_PAIR)
def test_the_default_model_loads_where_its_format_does(
    exported: Callable[..., ExportReport], format: str, precision: Precision
) -> None:
    """Interpreters for some types only (numpy, TensorFlow Lite Micro) count only if no other one runs the format."""
    able = {name: row for name, row in INTERPRETERS.items() if format in row.formats}
    expected = {name for name, row in able.items() if not row.activations} or set(able)
    assert expected
    assert set(exported(COMPILED_AS_LINEAR.get(format, "cnn"), format, precision).loads_on) >= expected


def test_a_dense_layer_with_one_scale_per_channel_does_not_load_in_tflite_runtime(
    run: Callable[..., object], dynamic_dense: Path
) -> None:
    contents = load_plugin("tflite").read(dynamic_dense.read_bytes())
    assert contents.operators["FULLY_CONNECTED"] == 12
    assert loads_on(contents) == ("litert",), "numpy rejects its float activations"
    reason = INTERPRETERS["tflite-runtime"].unsupported_reason(contents)
    assert reason == "tflite-runtime 2.14.0 does not support FULLY_CONNECTED version 12"
    for module, works in (("ai_edge_litert", True), ("tflite_runtime", False)):
        if importlib.util.find_spec(module):
            code = f"from {module}.interpreter import Interpreter; Interpreter(model_path={str(dynamic_dense)!r})"
            assert (run("python", "-c", code).returncode == 0) == works


def test_unsupported_operators_types_and_versions_load_nowhere() -> None:
    assert "tflite-micro" in loads_on(INT8_CONTENTS)
    assert loads_on(dataclasses.replace(INT8_CONTENTS, foreign=("FlexErf",))) == ()
    assert "tflite-micro" not in loads_on(dataclasses.replace(INT8_CONTENTS, activations=("float32",)))
    reason = INTERPRETERS["numpy"].unsupported_reason(dataclasses.replace(INT8_CONTENTS, foreign=("FlexErf",)))
    assert str(reason).startswith("the backend numpy of mnist-runtime "), "the version is not that of NumPy"
    onnx = dataclasses.replace(INT8_CONTENTS, format="onnx", opset=17, ir_version=8)
    assert loads_on(onnx) == ("onnxruntime",)
    assert loads_on(dataclasses.replace(onnx, opset=20)) == ()
    assert loads_on(dataclasses.replace(onnx, ir_version=10)) == ()


def test_every_interpreter_was_measured() -> None:
    assert set(measured()) == {name for name, row in INTERPRETERS.items() if not row.runs_engines}
    for name, supported in measured().items():
        assert supported["version"].split(".")[0].isdigit()
        assert ("opset" in supported) == ("onnx" in INTERPRETERS[name].formats)


def test_every_backend_and_every_format_is_in_the_table() -> None:
    assert set(BACKENDS) <= set(INTERPRETERS)
    assert {format for row in INTERPRETERS.values() for format in row.formats} == set(FORMATS)
    assert set(INTERPRETERS["tflite-micro"].formats) >= {"tflm", "tflite"}
