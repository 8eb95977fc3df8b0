import pytest
from tests.export_cases import EVERY_PAIR

from mnist_exporters import FORMATS, ExportSpec, Precision, UsageError
from mnist_exporters.spec.io_types import FLOAT
from mnist_exporters.spec.precision import TOLERANCES


@pytest.mark.parametrize(("format", "precision"), EVERY_PAIR)
def test_every_row_makes_a_spec_with_its_tolerance(format: str, precision: Precision) -> None:
    assert ExportSpec(format, precision).tolerance == TOLERANCES[precision]
    assert ExportSpec(format, precision, 0.25).tolerance == 0.25


def test_an_unknown_format_lists_the_known() -> None:
    with pytest.raises(UsageError, match="tflite, onnx"):
        ExportSpec("coreml", Precision.INT8)


def test_an_impossible_pair_lists_the_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    monkeypatch.setitem(FORMATS, "onnx", dataclasses.replace(FORMATS["onnx"], interfaces={Precision.FLOAT32: FLOAT}))
    with pytest.raises(UsageError, match="onnx: float32"):
        ExportSpec("onnx", Precision.INT8)


@pytest.mark.parametrize("drop", [0, 1, -0.1, 5, float("nan"), float("inf")])
def test_a_drop_is_a_share(drop: float) -> None:
    with pytest.raises(UsageError, match="above 0 and below 1"):
        ExportSpec("tflite", Precision.INT8, drop)


@pytest.mark.parametrize(("format", "precision"), EVERY_PAIR)
def test_the_first_types_of_an_interface_are_what_a_file_has_unless_asked_otherwise(
    format: str, precision: Precision
) -> None:
    interface = FORMATS[format].interfaces[precision]
    spec = ExportSpec(format, precision)
    assert (spec.takes, spec.gives) == (interface.inputs[0], interface.outputs[0])
    for takes in interface.inputs:
        for gives in interface.outputs:
            assert ExportSpec(format, precision, input_dtype=takes, output_dtype=gives).takes == takes


@pytest.mark.parametrize(
    ("format", "precision", "takes", "gives"),
    [
        ("tflite", Precision.FLOAT32, "int8", None),
        ("tflite", Precision.INT8, "int16", None),
        ("tflite", Precision.INT16X8, None, "uint8"),
        ("onnx", Precision.INT8, None, "uint8"),
    ],
)
def test_impossible_ends_list_the_possible(
    format: str, precision: Precision, takes: str | None, gives: str | None
) -> None:
    with pytest.raises(UsageError, match="tflite int8: uint8 or int8 or float32 in, uint8 or int8 or float32 out"):
        ExportSpec(format, precision, input_dtype=takes, output_dtype=gives)
