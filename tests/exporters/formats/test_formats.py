import io
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from tests.export_cases import DEVICE_PAIR, EVERY_EXPORT

from mnist_exporters import FORMATS, Calibration, ConversionError, ExportReport, ExportSpec, Original, Precision
from mnist_exporters.formats.onnx import convert as onnx
from mnist_exporters.formats.plugin import PLUGINS, FormatPlugin, load_plugin
from mnist_trainer import READY_MODELS, Splits

PIXEL_LINE = {"uint8": {}, "int8": {"scale": 1, "offset": -128}}


def convert_and_read(original: Original, spec: ExportSpec, calibration: Calibration | None) -> None:
    """The first half of an export."""
    plugin = load_plugin(spec.format)
    plugin.read(plugin.convert(original, spec, calibration)).refuse_another_than(spec, original.pixel_scale)


@pytest.mark.parametrize("name", FORMATS)
def test_every_row_is_complete(name: str) -> None:
    import importlib.util

    row = FORMATS[name]
    assert set(PLUGINS) == set(FORMATS)
    assert row.suffix.startswith(".")
    assert isinstance(load_plugin(name), FormatPlugin)
    assert all(importlib.util.find_spec(package.replace("-", "_")) for package in row.packages)


@pytest.mark.parametrize(("model", "format", "precision"), EVERY_EXPORT)
def test_every_file_takes_pixels_and_gives_ten_scores(
    exported: Callable[..., ExportReport], model: str, format: str, precision: Precision
) -> None:
    report = exported(model, format, precision)
    manifest = load_plugin(format).open(report.path).manifest
    takes = FORMATS[format].io_types[precision].inputs[0]
    assert manifest.input == {"dtype": takes, "shape": [None, 28, 28, 1]} | PIXEL_LINE[takes]
    assert manifest.output == {"dtype": FORMATS[format].io_types[precision].outputs[0], "shape": [None, 10]}
    assert report.output_dtype == manifest.output["dtype"]
    assert (manifest.calibration is None) == (not precision.is_calibrated)


@pytest.mark.parametrize("model", READY_MODELS)
def test_int8_tflite_is_integer_through_and_through(exported: Callable[..., ExportReport], model: str) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(exported(model, "tflite", Precision.INT8).path))
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert (source["dtype"], target["dtype"]) == (np.uint8, np.uint8)
    assert source["quantization"] == (pytest.approx(1 / 255), 0)
    assert {np.dtype(tensor["dtype"]).kind for tensor in interpreter.get_tensor_details()} <= {"i", "u"}
    weights = [t for t in interpreter.get_tensor_details() if len(t["quantization_parameters"]["scales"]) > 1]
    assert all(t["dtype"] in (np.int8, np.int32) for t in weights)


def test_what_a_layer_computed_beforehand_is_in_the_onnx_file(digits: Splits) -> None:
    import keras
    import onnxruntime

    # Some random weights pass for a model of 0..255, whose logits are hundreds, with rounding errors to match.
    keras.utils.set_random_seed(0)
    layers = (keras.layers.Normalization(mean=0.1, variance=0.2), keras.layers.Flatten(), keras.layers.Dense(10))
    original = Original.from_keras(keras.Sequential([keras.Input((28, 28, 1)), *layers]), digits.test)
    model = onnx.convert(original, ExportSpec("onnx", Precision.FLOAT32), None)
    images = digits.test.images[:20]
    (scores,) = onnxruntime.InferenceSession(model).run(None, {"pixels": images[..., None]})
    assert np.allclose(scores, original.scores(images), atol=1e-5)


@pytest.mark.parametrize("model", READY_MODELS)
def test_int8_onnx_is_qdq_with_weights_per_channel(exported: Callable[..., ExportReport], model: str) -> None:
    import onnx

    graph = onnx.load(exported(model, "onnx", Precision.INT8).path).graph
    kept = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    computing = [node for node in graph.node if node.op_type in ("Conv", "Gemm", "MatMul")]
    dequantised = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}
    assert computing
    for node in computing:
        pixels, weights = (dequantised[name] for name in node.input[:2])
        assert kept[weights.input[0]].dtype == np.int8
        assert kept[weights.input[1]].size > 1, "one scale a channel"
        assert kept[pixels.input[2]].dtype == np.uint8


@pytest.mark.parametrize(
    ("model", "format", "precision"), [each for each in EVERY_EXPORT if each.values[1] in ("tflite", "onnx")]
)
def test_the_types_inside_are_those_of_the_name(
    exported: Callable[..., ExportReport], model: str, format: str, precision: Precision
) -> None:
    """Read with the formats' own tools, not with the code that made the files."""
    import onnx
    from ai_edge_litert.interpreter import Interpreter

    path = exported(model, format, precision).path
    if format == "tflite":
        types = {np.dtype(tensor["dtype"]).name for tensor in Interpreter(model_path=str(path)).get_tensor_details()}
    else:
        arrays = [onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer]
        types = {max(arrays, key=lambda array: array.size).dtype.name}
    wanted = precision if precision.startswith("float") else "int8"
    if format == "onnx" and precision is Precision.DYNAMIC and any(array.ndim == 4 for array in arrays):
        wanted = "uint8"  # onnxruntime 1.16 has no convolution with signed weights
    assert wanted in types
    assert ("int16" in types) == (precision is Precision.INT16X8)


@pytest.mark.parametrize("model", READY_MODELS)
def test_fewer_bits_make_smaller_files(exported: Callable[..., ExportReport], model: str) -> None:
    sizes = {name: exported(model, "onnx", name).model_bytes for name in FORMATS["onnx"].io_types}
    assert sizes["float32"] > sizes["float16"] > sizes["dynamic"]


def test_a_recurrent_model_keeps_its_loops_in_onnx(digits: Splits) -> None:
    """The bodies of loops refer to tensors outside of them, which are renamed too."""
    import keras
    import onnxruntime

    from mnist_exporters.formats.onnx.convert import convert

    keras.utils.set_random_seed(0)
    layers = [keras.Input((28, 28)), keras.layers.GRU(8), keras.layers.Dense(10, activation="softmax")]
    original = Original.from_keras(keras.Sequential(layers), digits.test)
    session = onnxruntime.InferenceSession(convert(original, ExportSpec("onnx", Precision.FLOAT32), None))
    images = digits.test.images[:20]
    assert np.allclose(session.run(None, {"pixels": images[..., None]})[0], original.scores(images), atol=1e-5)


def test_a_model_too_small_for_the_precision_is_told(digits: Splits) -> None:
    """TFLite leaves weights of fewer than 1,024 values as they are; such a file must not be called dynamic."""
    import keras

    pixels = keras.Input((28, 28, 1))
    small = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, strides=4)(pixels))
    model = keras.Model(pixels, keras.layers.Dense(10, activation="softmax")(small))
    spec = ExportSpec("tflite", Precision.DYNAMIC)
    with pytest.raises(ConversionError, match="Expected dynamic weights"):
        convert_and_read(Original.from_keras(model, digits.test), spec, None)


def test_the_ready_cnn_is_small_in_int8(exported: Callable[..., ExportReport]) -> None:
    assert exported("cnn", "tflite", Precision.INT8).model_bytes <= 28_000


@pytest.mark.parametrize("format", FORMATS)
def test_int8_without_calibration_is_refused(originals: dict[str, Original], format: str) -> None:
    with pytest.raises(ConversionError, match="Expected calibration images"):
        convert_and_read(originals["mlp"], ExportSpec(format, Precision.INT8), None)


def test_a_layer_beyond_the_builtins_is_refused(digits: object, originals: dict[str, Original]) -> None:
    import keras

    pixels = keras.Input((28, 28))
    rare = keras.ops.erfinv(keras.ops.clip(pixels, 0.1, 0.9))  # Erfinv is a Flex operator
    scores = keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(rare))
    with pytest.raises(ConversionError, match="builtin operators"):
        convert_and_read(
            Original.from_keras(keras.Model(pixels, scores), digits.test), ExportSpec("tflite", Precision.FLOAT32), None
        )


def test_calibration_that_narrows_the_input_is_found(originals: dict[str, Original]) -> None:
    dark = Calibration(np.full((20, 28, 28), 100, np.uint8), "made up", 0)  # not drawn, so without a pixel of 255
    with pytest.raises(ConversionError, match="pixels are taken raw"):
        convert_and_read(originals["mlp"], ExportSpec("tflite", Precision.INT8), dark)


@pytest.mark.parametrize(("format", "precision"), DEVICE_PAIR)
def test_the_archive_is_read_by_the_standard_library(
    exported: Callable[..., ExportReport], format: str, precision: Precision
) -> None:
    content = exported("mlp", format, precision).path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["manifest.json", "golden/images.npy", "golden/scores.npy"]
        assert archive.comment == content[-64:]
