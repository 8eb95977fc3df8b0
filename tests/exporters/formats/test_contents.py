import contextlib
import dataclasses
from collections.abc import Callable

import keras
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.shared.contents_cases import INT8_CONTENTS, PIXELS, SCORES
from tests.shared.export_cases import COMPILED_AS_LINEAR, EACH_PAIR

from mnist_exporters import (
    FORMATS,
    ConversionError,
    ExportReport,
    ExportSpec,
    Original,
    PixelScaling,
    Precision,
    UsageError,
)
from mnist_exporters.formats.contents import Contents, Layer
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.spec.treatment import PLAIN, Treatment
from mnist_runtime import ArtifactError, QuantParams
from mnist_trainer import Splits

UNIT = PixelScaling.between(0, 1)


def contents_of(report: ExportReport) -> Contents:
    plugin = load_plugin(report.format)
    return plugin.read(plugin.open(report.path).content)


@pytest.mark.parametrize(("format", "precision"), EACH_PAIR)
def test_every_export_matches_its_own_precision_and_no_other(
    exported: Callable[..., ExportReport], format: str, precision: Precision
) -> None:
    contents = contents_of(exported(COMPILED_AS_LINEAR.get(format, "cnn"), format, precision))
    contents.check_matches(ExportSpec(format, precision), UNIT)
    for other in set(FORMATS[format].io_types) - {precision}:
        with pytest.raises((ConversionError, UsageError)):
            contents.check_matches(ExportSpec(format, other), UNIT)


def test_the_operator_versions_of_a_tflite_file_are_read(exported: Callable[..., ExportReport]) -> None:
    """The expected versions are those that TensorFlow's own analyzer prints."""
    contents = contents_of(exported("cnn", "tflite", Precision.INT8))
    assert contents.operators["CONV_2D"] == 3
    assert contents.operators["SOFTMAX"] == 2
    assert contents.foreign == ()
    assert (contents.input.dtype, contents.input.shape) == ("uint8", (1, 28, 28, 1))
    assert contents.input.affine == QuantParams(pytest.approx(1 / 255), 0, "uint8")
    assert contents.requirements() == {"operators": contents.operators}


def test_the_shape_input_of_a_transposed_convolution_is_no_activation(digits: Splits) -> None:
    layers = (keras.layers.Conv2DTranspose(2, 3), keras.layers.Flatten(), keras.layers.Dense(10))
    original = Original.from_keras(keras.Sequential([keras.Input((28, 28, 1)), *layers]), digits.test)
    spec = ExportSpec("tflite", Precision.FLOAT32)
    contents = load_plugin("tflite").read(load_plugin("tflite").convert(original, spec, None))
    assert "TRANSPOSE_CONV" in contents.operators
    contents.check_matches(spec, original.input_scaling)


def test_the_opset_and_ir_version_of_an_onnx_file_are_read(exported: Callable[..., ExportReport]) -> None:
    report = exported("cnn", "onnx", Precision.INT8)
    contents = contents_of(report)
    proto = onnx.load(report.path)
    assert contents.requirements() == {"opset": proto.opset_import[0].version, "ir_version": proto.ir_version}
    assert contents.requirements() == {"opset": 17, "ir_version": 8}
    assert set(contents.operators) == {node.op_type for node in proto.graph.node}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"input": dataclasses.replace(PIXELS, dtype="float32")}, "uint8 input and uint8 output were requested"),
        ({"output": dataclasses.replace(SCORES, dtype="float32")}, "uint8 input and uint8 output were requested"),
        ({"foreign": ("FlexErfinv",)}, "does not define: FlexErfinv"),
        ({"weights": {"float32": 1000, "int8": 10}}, "Most weights are float32, not int8"),
        ({"weights": {}}, "Most weights are none"),
        ({"activations": ("float32", "int8")}, "has float32 activations"),
        ({"tensors": (PIXELS, dataclasses.replace(SCORES, dtype="float32"))}, "integers only"),
        ({"input": dataclasses.replace(PIXELS, affine=QuantParams(1 / 100, 0, "uint8"))}, "does not take raw pixels"),
        ({"input": dataclasses.replace(PIXELS, affine=QuantParams(1 / 255, 1, "uint8"))}, "zero point 1"),
    ],
)
def test_each_difference_from_the_request_is_an_error(change: dict[str, object], words: str) -> None:
    spec = ExportSpec("tflite", Precision.INT8)
    INT8_CONTENTS.check_matches(spec, UNIT)
    with pytest.raises(ConversionError, match=words):
        dataclasses.replace(INT8_CONTENTS, **change).check_matches(spec, UNIT)


@pytest.mark.parametrize(
    ("precision", "weights", "words"),
    [
        (
            "int4",
            {"int4": 500, "int8": 3000},
            "int4 saves little for this model: it applies to 25% of the weights only.* int8, if all .* have it",
        ),
        (
            "dynamic",
            {"int8": 1000, "float32": 12000},
            "dynamic saves little for this model: it applies to 25%.* Try float16",
        ),
    ],
)
def test_a_precision_that_saves_little_is_no_bad_model(precision: str, weights: dict[str, int], words: str) -> None:
    """The model file is sound, so the exit code is that of an unsuitable option."""
    spec = ExportSpec("tflite", precision)
    output = dataclasses.replace(SCORES, dtype=spec.output_dtype)
    contents = dataclasses.replace(INT8_CONTENTS, weights=weights, output=output)
    with pytest.raises(UsageError, match=words) as caught:
        contents.check_matches(spec, UNIT)
    assert caught.value.exit_code == 2


def test_weights_are_counted_and_not_their_bytes() -> None:
    """Three of five weights have four bits, though they take less than half of the bytes."""
    contents = dataclasses.replace(INT8_CONTENTS, weights={"int4": 1500, "int8": 2000})
    contents.check_matches(ExportSpec("tflite", "int4"), UNIT)


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


FLOAT, INTEGER = Layer("CONV_2D", 50, "float32", "float32"), Layer("CONV_2D", 100, "int8", "int8")


@pytest.mark.parametrize(
    ("layers", "treatment", "matches"),
    [
        ((INTEGER, FLOAT), Treatment(layers=(1,)), True),
        ((INTEGER, FLOAT), Treatment(layers=(0,)), False),
        ((INTEGER, INTEGER), Treatment(layers=(1,)), False),
        ((FLOAT, FLOAT), Treatment(layers=(1,)), False),
        ((INTEGER, FLOAT), PLAIN, False),
    ],
)
def test_exactly_the_layers_of_a_treatment_are_in_float(
    layers: tuple[Layer, ...], treatment: Treatment, matches: bool
) -> None:
    inner = dataclasses.replace(SCORES, name="inner", dtype="float32")
    contents = dataclasses.replace(
        INT8_CONTENTS, layers=layers, activations=("float32", "int8"), tensors=(PIXELS, inner, SCORES)
    )
    with contextlib.nullcontext() if matches else pytest.raises(ConversionError):
        contents.check_matches(ExportSpec("tflite", "int8"), UNIT, treatment)
