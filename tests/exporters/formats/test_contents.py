import contextlib
from collections.abc import Callable

import keras
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_exporters import ExportReport, ExportSpec, Original, Precision
from mnist_exporters.formats.contents import Contents
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.spec_checks import check_matches
from mnist_runtime import ArtifactError, QuantParams
from mnist_trainer import Splits


def contents_of(report: ExportReport) -> Contents:
    plugin = load_plugin(report.format)
    return plugin.read(plugin.open(report.path).content)


def test_the_operator_versions_of_a_tflite_file_are_read(exported: Callable[..., ExportReport]) -> None:
    """The expected versions are those that TensorFlow's own analyzer prints."""
    contents = contents_of(exported("cnn", "tflite", Precision.INT8))
    assert contents.operators["CONV_2D"] == 3
    assert contents.operators["SOFTMAX"] == 2
    assert contents.foreign == ()
    assert (contents.input.dtype, contents.input.shape) == ("uint8", (1, 28, 28, 1))
    assert contents.input.affine == QuantParams(pytest.approx(1 / 255), 0, "uint8")
    assert contents.requirements() == {"operators": contents.operators}


@pytest.mark.long
def test_the_shape_input_of_a_transposed_convolution_is_no_activation(digits: Splits) -> None:
    layers = (keras.layers.Conv2DTranspose(2, 3), keras.layers.Flatten(), keras.layers.Dense(10))
    original = Original.from_keras(keras.Sequential([keras.Input((28, 28, 1)), *layers]), digits.test)
    spec = ExportSpec("tflite", Precision.FLOAT32)
    contents = load_plugin("tflite").read(load_plugin("tflite").convert(original, spec, None))
    assert "TRANSPOSE_CONV" in contents.operators
    check_matches(contents, spec, original.input_scaling)


def test_the_opset_and_ir_version_of_an_onnx_file_are_read(exported: Callable[..., ExportReport]) -> None:
    report = exported("cnn", "onnx", Precision.INT8)
    contents = contents_of(report)
    proto = onnx.load(report.path)
    assert contents.requirements() == {"opset": proto.opset_import[0].version, "ir_version": proto.ir_version}
    assert contents.requirements() == {"opset": 17, "ir_version": 8}
    assert set(contents.operators) == {node.op_type for node in proto.graph.node}


@settings(max_examples=200, deadline=None)
@given(st.data())
@pytest.mark.parametrize("format", ["tflite", "onnx"])
def test_a_damaged_model_raises_no_other_error_than_artifact_error(
    exported: Callable[..., ExportReport], format: str, data: object
) -> None:
    report = exported("mlp", format, Precision.INT8)
    model = bytearray(report.path.read_bytes()[: report.model_bytes])
    for _ in range(data.draw(st.integers(1, 5))):
        model[data.draw(st.integers(0, min(len(model), 3000) - 1))] = data.draw(st.integers(0, 255))
    del model[data.draw(st.integers(0, len(model))) or len(model) :]
    with contextlib.suppress(ArtifactError):
        load_plugin(format).read(bytes(model))
