import contextlib
import dataclasses
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.export_cases import EVERY_PAIR

from mnist_exporters import FORMATS, ConversionError, ExportReport, ExportSpec, Original, Precision
from mnist_exporters.formats.contents import Contents, Tensor
from mnist_exporters.formats.plugin import load_plugin
from mnist_runtime import ArtifactError, QuantParams
from mnist_trainer import Splits


def contents_of(report: ExportReport) -> Contents:
    plugin = load_plugin(report.format)
    return plugin.read(plugin.open(report.path).content)


@pytest.mark.parametrize(("format", "precision"), EVERY_PAIR)
def test_every_export_is_what_it_says_and_no_other(
    exported: Callable[..., ExportReport], format: str, precision: Precision
) -> None:
    contents = contents_of(exported("cnn", format, precision))
    contents.refuse_another_than(ExportSpec(format, precision), 1 / 255)
    for other in set(FORMATS[format].io_types) - {precision}:
        with pytest.raises(ConversionError, match="Expected"):
            contents.refuse_another_than(ExportSpec(format, other), 1 / 255)


def test_tflite_versions_are_those_that_the_file_holds(exported: Callable[..., ExportReport]) -> None:
    """Counted by TensorFlow's own tool, which prints them."""
    contents = contents_of(exported("cnn", "tflite", Precision.INT8))
    assert contents.operators["CONV_2D"] == 3
    assert contents.operators["SOFTMAX"] == 2
    assert contents.foreign == ()
    assert (contents.input.dtype, contents.input.shape) == ("uint8", (-1, 28, 28, 1))
    assert contents.input.affine == QuantParams(pytest.approx(1 / 255), 0, "uint8")
    assert contents.requirements() == {"operators": contents.operators}


def test_the_shape_that_a_transposed_convolution_is_given_is_no_activation(digits: Splits) -> None:
    import keras

    layers = (keras.layers.Conv2DTranspose(2, 3), keras.layers.Flatten(), keras.layers.Dense(10))
    original = Original.from_keras(keras.Sequential([keras.Input((28, 28, 1)), *layers]), digits.test)
    spec = ExportSpec("tflite", Precision.FLOAT32)
    contents = load_plugin("tflite").read(load_plugin("tflite").convert(original, spec, None))
    assert "TRANSPOSE_CONV" in contents.operators
    contents.refuse_another_than(spec, original.pixel_scale)


def test_onnx_opset_and_ir_are_those_that_the_file_holds(exported: Callable[..., ExportReport]) -> None:
    import onnx

    report = exported("cnn", "onnx", Precision.INT8)
    contents = contents_of(report)
    proto = onnx.load(report.path)
    assert contents.requirements() == {"opset": proto.opset_import[0].version, "ir_version": proto.ir_version}
    assert contents.requirements() == {"opset": 17, "ir_version": 8}
    assert set(contents.operators) == {node.op_type for node in proto.graph.node}


PIXELS = Tensor("pixels", "uint8", (-1, 28, 28, 1), is_constant=False, affine=QuantParams(1 / 255, 0, "uint8"))
SCORES = Tensor("scores", "uint8", (-1, 10), is_constant=False)
RIGHT = Contents(
    format="tflite",
    tensors=(PIXELS, SCORES),
    input=PIXELS,
    output=SCORES,
    weights={"int8": 1000, "float32": 10},
    weight_types={"CONV_2D": ("int8",)},
    activations=("int8",),
    operators={"CONV_2D": 3},
    foreign=(),
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"input": dataclasses.replace(PIXELS, dtype="float32")}, "takes uint8 and gives uint8"),
        ({"output": dataclasses.replace(SCORES, dtype="float32")}, "takes uint8 and gives uint8"),
        ({"foreign": ("FlexErfinv",)}, "own operators only, the converter left FlexErfinv"),
        ({"weights": {"float32": 1000, "int8": 10}}, "left most of them float32"),
        ({"weights": {}}, "left most of them none"),
        ({"activations": ("float32", "int8")}, "activations, the converter left float32"),
        ({"tensors": (PIXELS, dataclasses.replace(SCORES, dtype="float32"))}, "integers only"),
        ({"input": dataclasses.replace(PIXELS, affine=QuantParams(1 / 100, 0, "uint8"))}, "pixels are taken raw"),
        ({"input": dataclasses.replace(PIXELS, affine=QuantParams(1 / 255, 1, "uint8"))}, "zero point 1"),
    ],
)
def test_each_lie_is_found(change: dict[str, object], words: str) -> None:
    spec = ExportSpec("tflite", Precision.INT8)
    RIGHT.refuse_another_than(spec, 1 / 255)
    with pytest.raises(ConversionError, match=words):
        dataclasses.replace(RIGHT, **change).refuse_another_than(spec, 1 / 255)


@settings(max_examples=200, deadline=None)
@given(st.data())
@pytest.mark.parametrize("format", ["tflite", "onnx"])
def test_a_damaged_model_is_an_error_of_ours(exported: Callable[..., ExportReport], format: str, data: object) -> None:
    report = exported("mlp", format, Precision.INT8)
    model = bytearray(report.path.read_bytes()[: report.model_bytes])
    for _ in range(data.draw(st.integers(1, 5))):
        model[data.draw(st.integers(0, min(len(model), 3000) - 1))] = data.draw(st.integers(0, 255))
    del model[data.draw(st.integers(0, len(model))) or len(model) :]
    with contextlib.suppress(ArtifactError):
        load_plugin(format).read(bytes(model))
