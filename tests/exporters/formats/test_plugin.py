"""Properties of every format and of its files."""

import importlib.util
from collections.abc import Callable

import numpy as np
import onnx
import pytest
from ai_edge_litert.interpreter import Interpreter
from tests.shared.export_cases import EVERY_EXPORT

from mnist_exporters import FORMATS, Calibration, ConversionError, ExportReport, ExportSpec, Original, Precision
from mnist_exporters.formats.plugin import PLUGINS, FormatPlugin, load_plugin
from mnist_exporters.formats.spec_checks import check_matches
from mnist_trainer import READY_MODELS

PIXEL_LINE = {"uint8": {}, "int8": {"scale": 1, "offset": -128}}


def test_every_format_has_a_plugin() -> None:
    assert list(PLUGINS) == list(FORMATS)


@pytest.mark.parametrize("name", PLUGINS)
def test_every_plugin_implements_the_protocol(name: str) -> None:
    plugin = load_plugin(name)
    assert isinstance(plugin, FormatPlugin)
    methods = [method for method, value in vars(FormatPlugin).items() if callable(value) and method[0] != "_"]
    assert methods == ["convert", "read", "pack", "open", "load", "measure"]
    assert {*methods} - {"measure"} <= set(vars(type(plugin))), "only the last has a default"
    assert load_plugin(name) is plugin


@pytest.mark.parametrize("name", FORMATS)
def test_every_row_of_facts_is_complete(name: str) -> None:
    row = FORMATS[name]
    assert row.suffix.startswith(".")
    assert all(importlib.util.find_spec(package.replace("-", "_")) for package in row.packages)


@pytest.mark.long
@pytest.mark.parametrize(("model", "format", "precision"), EVERY_EXPORT)
def test_export_is_proven_on_the_digits(
    exported: Callable[..., ExportReport], model: str, format: str, precision: Precision
) -> None:
    parity = exported(model, format, precision).parity
    assert parity.passed
    assert parity.images == 1500
    if precision is Precision.FLOAT32:
        assert parity.agreement == 1 - parity.turned_away / parity.images
        assert parity.max_score_error < 1e-4


@pytest.mark.long
@pytest.mark.parametrize(("model", "format", "precision"), EVERY_EXPORT)
def test_every_file_has_the_first_types_of_its_row(
    exported: Callable[..., ExportReport], model: str, format: str, precision: Precision
) -> None:
    report = exported(model, format, precision)
    manifest = load_plugin(format).open(report.path).manifest
    types = FORMATS[format].io_types[precision]
    input_dtype, output_dtype = types.inputs[0], types.outputs[0]
    assert manifest.input == {"dtype": input_dtype, "shape": [None, 28, 28, 1]} | PIXEL_LINE[input_dtype]
    if report.repair is None:  # a repaired file may give logits or float32
        assert manifest.output == {"dtype": output_dtype, "shape": [None, 10]}
        assert report.output_dtype == output_dtype
    assert (manifest.calibration is None) == (not precision.is_calibrated)


@pytest.mark.long
@pytest.mark.parametrize(
    ("model", "format", "precision"), [case for case in EVERY_EXPORT if case.values[1] in ("tflite", "onnx")]
)
def test_other_tools_find_the_types_of_the_precision(
    exported: Callable[..., ExportReport], model: str, format: str, precision: Precision
) -> None:
    path = exported(model, format, precision).path
    if format == "tflite":
        types = {np.dtype(tensor["dtype"]).name for tensor in Interpreter(model_path=str(path)).get_tensor_details()}
    else:
        arrays = [onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer]
        types = {max(arrays, key=lambda array: array.size).dtype.name}
    wanted = precision if precision.startswith("float") else "uint8" if format == "onnx" else "int8"
    assert wanted in types
    assert ("int16" in types) == (precision is Precision.INT16X8)


@pytest.mark.parametrize("model", READY_MODELS)
@pytest.mark.slow
def test_fewer_bits_make_smaller_files(exported: Callable[..., ExportReport], model: str) -> None:
    sizes = {name: exported(model, "onnx", name).model_bytes for name in FORMATS["onnx"].io_types}
    assert sizes["float32"] > sizes["float16"] > sizes["dynamic"]


@pytest.mark.parametrize("format", FORMATS)
def test_int8_without_calibration_is_an_error(originals: dict[str, Original], format: str) -> None:
    with pytest.raises(ConversionError, match="int8 needs calibration images"):
        load_plugin(format).convert(originals["mlp"], ExportSpec(format, Precision.INT8), None)


def test_calibration_images_without_white_pixels_are_an_error(originals: dict[str, Original]) -> None:
    gray = Calibration(np.full((20, 28, 28), 100, np.uint8), "made up", 0)  # `Calibration.draw` ensures a white pixel
    spec, plugin = ExportSpec("tflite", Precision.INT8), load_plugin("tflite")
    contents = plugin.read(plugin.convert(originals["mlp"], spec, gray))
    with pytest.raises(ConversionError, match="does not take raw pixels"):
        check_matches(contents, spec, originals["mlp"].input_scaling)
