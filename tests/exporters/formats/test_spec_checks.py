import contextlib
import dataclasses
from collections.abc import Callable

import pytest
from tests.shared.contents_cases import INT8_CONTENTS, PIXELS, SCORES
from tests.shared.export_cases import COMPILED_AS_LINEAR, EACH_PAIR

from mnist_exporters import FORMATS, ConversionError, ExportReport, ExportSpec, PixelScaling, Precision, UsageError
from mnist_exporters.formats.contents import Layer
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.spec_checks import check_matches
from mnist_exporters.spec.treatment import PLAIN, Treatment
from mnist_runtime import QuantParams

UNIT = PixelScaling.between(0, 1)


@pytest.mark.parametrize(("format", "precision"), EACH_PAIR)
def test_every_export_matches_its_own_precision_and_no_other(
    exported: Callable[..., ExportReport], format: str, precision: Precision
) -> None:
    report, plugin = exported(COMPILED_AS_LINEAR.get(format, "cnn"), format, precision), load_plugin(format)
    contents = plugin.read(plugin.open(report.path).content)
    check_matches(contents, ExportSpec(format, precision), UNIT)
    for other in set(FORMATS[format].io_types) - {precision}:
        with pytest.raises((ConversionError, UsageError)):
            check_matches(contents, ExportSpec(format, other), UNIT)


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
    check_matches(INT8_CONTENTS, spec, UNIT)
    with pytest.raises(ConversionError, match=words):
        check_matches(dataclasses.replace(INT8_CONTENTS, **change), spec, UNIT)


@pytest.mark.parametrize(
    ("precision", "weights", "words"),
    [
        (
            "int4",
            {"int4": 500, "int8": 3000},
            "int4 saves little for this model: it applies to 25% of the weights only.* int8 if it supports all layers",
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
        check_matches(contents, spec, UNIT)
    assert caught.value.exit_code == 2


def test_weights_are_counted_and_not_their_bytes() -> None:
    """Three of five weights have four bits, though they take less than half of the bytes."""
    contents = dataclasses.replace(INT8_CONTENTS, weights={"int4": 1500, "int8": 2000})
    check_matches(contents, ExportSpec("tflite", "int4"), UNIT)


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
        check_matches(contents, ExportSpec("tflite", "int8"), UNIT, treatment)
