import dataclasses
from typing import Any

import numpy as np
import pytest
from tests.shared.export_cases import EVERY_PAIR

from mnist_exporters import FORMATS, ExportSpec, Precision, UsageError
from mnist_exporters.spec.io_types import FLOAT
from mnist_exporters.spec.precision import ALIASES, TOLERANCES


@pytest.mark.parametrize(("format", "precision"), EVERY_PAIR)
def test_default_and_given_tolerance(format: str, precision: Precision) -> None:
    assert ExportSpec(format, precision).tolerance == TOLERANCES[precision]
    assert ExportSpec(format, precision, 0.05).tolerance == 0.05


@pytest.mark.parametrize("alias", ALIASES)
def test_precision_can_be_given_by_any_alias(alias: str) -> None:
    spec = ExportSpec("tflite", alias)
    assert spec.precision is ALIASES[alias]
    assert spec == ExportSpec("tflite", ALIASES[alias])
    assert spec == dataclasses.replace(spec)


@pytest.mark.parametrize(
    ("precision", "tolerance", "is_calibrated"),
    [
        ("float32", 0.002, False),
        ("float16", 0.004, False),
        ("dynamic", 0.005, False),
        ("int8", 0.005, True),
        ("int4", 0.01, True),
        ("int16x8", 0.005, True),
    ],
)
def test_each_precision_has_its_tolerance_and_calibration(
    precision: str, tolerance: float, is_calibrated: bool
) -> None:
    spec = ExportSpec("tflite", precision)
    assert (spec.tolerance, spec.precision.is_calibrated) == (tolerance, is_calibrated)


@pytest.mark.parametrize(
    ("alias", "precision"),
    [("16", "float16"), ("w8a8", "int8"), ("w4a8", "int4"), ("w8a16", "int16x8"), ("w8a32", "dynamic")],
)
def test_an_alias_has_the_bits_of_weights_and_activations(alias: str, precision: str) -> None:
    assert ExportSpec("tflite", alias).precision == precision


def test_bits_can_be_a_number_and_types_those_of_numpy() -> None:
    assert ExportSpec("tflite", 8, input_dtype=np.int8) == ExportSpec("tflite", "int8", input_dtype="int8")
    with pytest.raises(UsageError, match="cannot have int32 input"):
        ExportSpec("tflite", 8, input_dtype=np.int32)


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"tflite, .*onnx"):
        ExportSpec("coreml", Precision.INT8)
    with pytest.raises(UsageError, match="none, float32, float16"):
        ExportSpec("tflite", "int7")


def test_impossible_pair_lists_the_possible_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "onnx", dataclasses.replace(FORMATS["onnx"], io_types={Precision.FLOAT32: FLOAT}))
    with pytest.raises(UsageError, match=r"float32\. Formats with int8: tflite, c, web, tflm"):
        ExportSpec("onnx", Precision.INT8)


@pytest.mark.parametrize("drop", [0, 1, -0.1, 5, float("nan"), float("inf"), "0.005"])
def test_accuracy_drop_must_be_a_fraction(drop: Any) -> None:
    with pytest.raises(UsageError, match="above 0 and below 1"):
        ExportSpec("tflite", Precision.INT8, drop)


@pytest.mark.parametrize(("format", "precision"), EVERY_PAIR)
def test_default_and_given_types(format: str, precision: Precision) -> None:
    types = FORMATS[format].io_types[precision]
    spec = ExportSpec(format, precision)
    assert (spec.input_dtype, spec.output_dtype) == (types.inputs[0], types.outputs[0])
    for inputs in types.inputs:
        for outputs in types.outputs:
            given = ExportSpec(format, precision, input_dtype=inputs, output_dtype=outputs)
            assert (given.input_dtype, given.output_dtype) == (inputs, outputs)


@pytest.mark.parametrize(
    ("format", "precision", "input_dtype", "output_dtype"),
    [
        ("tflite", Precision.FLOAT32, "int8", None),
        ("tflite", Precision.INT8, "int16", None),
        ("tflite", Precision.INT16X8, None, "uint8"),
        ("onnx", Precision.INT8, None, "uint8"),
    ],
)
def test_impossible_types_list_the_possible_ones(
    format: str, precision: Precision, input_dtype: str | None, output_dtype: str | None
) -> None:
    with pytest.raises(UsageError, match="tflite int8: uint8 or int8 or float32 in, uint8 or int8 or float32 out"):
        ExportSpec(format, precision, input_dtype=input_dtype, output_dtype=output_dtype)


@pytest.mark.parametrize(("drop", "meant"), [(0.5, "0.005"), (0.2, "0.002"), (0.11, "0.0011")])
def test_a_drop_of_many_points_asks_what_is_meant(drop: float, meant: str) -> None:
    with pytest.raises(UsageError, match=rf"Do you mean {drop:g} points\? Then give {meant}\."):
        ExportSpec("tflite", "int8", max_accuracy_drop=drop)
    assert ExportSpec("tflite", "int8", max_accuracy_drop=0.1).tolerance == 0.1
