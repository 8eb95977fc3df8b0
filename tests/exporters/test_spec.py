import pytest
from tests.conftest import EVERY_PAIR

from mnist_exporters import FORMATS, ExportSpec, Precision, UsageError
from mnist_exporters.precision import TOLERANCES


@pytest.mark.parametrize(("format", "precision"), EVERY_PAIR)
def test_every_row_makes_a_spec_with_its_tolerance(format: str, precision: Precision) -> None:
    assert ExportSpec(format, precision).tolerance == TOLERANCES[precision]
    assert ExportSpec(format, precision, 0.25).tolerance == 0.25


def test_an_unknown_format_lists_the_known() -> None:
    with pytest.raises(UsageError, match="tflite, onnx"):
        ExportSpec("coreml", Precision.INT8)


def test_an_impossible_pair_lists_the_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    monkeypatch.setitem(FORMATS, "onnx", dataclasses.replace(FORMATS["onnx"], precisions=(Precision.FLOAT32,)))
    with pytest.raises(UsageError, match="onnx: float32"):
        ExportSpec("onnx", Precision.INT8)


@pytest.mark.parametrize("drop", [0, 1, -0.1, 5, float("nan"), float("inf")])
def test_a_drop_is_a_share(drop: float) -> None:
    with pytest.raises(UsageError, match="above 0 and below 1"):
        ExportSpec("tflite", Precision.INT8, drop)
