"""In which order repairs are tried and what a refusal advises, with exports whose results are known."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mnist_exporters import ConversionError, ExportReport, ExportSpec, Parity, Reference, RefusedError
from mnist_exporters.formats.contents import Layer
from mnist_exporters.pipeline.job import Attempt
from mnist_exporters.pipeline.repair import repaired
from mnist_exporters.proof.repair import Repair
from mnist_exporters.spec.treatment import Treatment

LAYERS = (
    Layer("CONV_2D", 100, "int8", "int8"),
    Layer("FULLY_CONNECTED", 1000, "int8", "int8"),
    Layer("FULLY_CONNECTED", 50, "int8", "int8"),
)
ERRORS = {0: 0.3, 1: 0.1, 2: 0.2}
"""Place of a layer -> error of the scores with that layer in more bits."""

Result = bool | Exception
Tried = tuple[str, Treatment]


class KnownJob:
    """Exports of one model. `result_of` says which pass, or fail with an error; all have `layers`.

    Attributes
    ----------
    tried : list of (str, Treatment)
        Output type and treatment of each repair.
    repairs, others : list of ExportSpec
        Repaired exports, and plain exports that were made and not written.
    """

    def __init__(
        self,
        result_of: Callable[[ExportSpec, Treatment], Result] = lambda *_: False,
        layers: tuple[Layer, ...] = LAYERS,
        errors: dict[int, float] | None = None,
    ) -> None:
        self.result_of, self.layers, self.errors = result_of, layers, ERRORS if errors is None else errors
        self.original = SimpleNamespace(score_kind="softmax", scores=lambda images: np.zeros((len(images), 10)))
        self.calibration: Any = SimpleNamespace(images=np.zeros((3, 28, 28), np.uint8))
        self.destination = Path("none.tflite")
        self.tried: list[Tried] = []
        self.repairs: list[ExportSpec] = []
        self.others: list[ExportSpec] = []

    def attempt(self, spec: ExportSpec, repair: Repair | None = None, *, write: bool = True) -> Attempt:
        assert write == bool(repair), "the next precisions are only advised"
        if repair:
            self.repairs.append(spec)
            self.tried.append((spec.output_dtype, repair.treatment))
        else:
            self.others.append(spec)
        result = self.result_of(spec, repair.treatment if repair else Treatment())
        if isinstance(result, Exception):
            raise result
        return self.made(spec, repair, passed=result)

    def made(self, spec: ExportSpec, repair: Repair | None = None, *, passed: bool = False) -> Attempt:
        """Return an export."""
        parity = dataclasses.replace(_parity(), reasons=() if passed else ("Too much is lost.",))
        facts = {field.name: None for field in dataclasses.fields(ExportReport)}
        facts |= {"format": spec.format, "precision": spec.precision.value, "output_dtype": spec.output_dtype}
        report = ExportReport(**{**facts, "parity": parity, "repair": repair, "advice": ""})
        return Attempt(report, SimpleNamespace(layers=self.layers))

    def scores(self, spec: ExportSpec, repair: Repair, images: np.ndarray) -> np.ndarray:
        assert spec.format == "onnx" or repair.treatment.activation, "compared as it would be exported"
        (place,) = repair.treatment.layers
        if place not in self.errors:
            raise ConversionError("This layer cannot.")
        return np.tile([self.errors[place], -self.errors[place]], (len(images), 5))

    def refusal(self, spec: ExportSpec) -> str:
        """Return why all repairs of an export are refused."""
        with pytest.raises(RefusedError) as caught:
            repaired(self, spec, self.made(spec))
        return str(caught.value)


@functools.cache
def _parity() -> Parity:
    labels = (np.arange(100) % 10).astype(np.uint8)
    scores = np.eye(10, dtype=np.float32)[labels]
    return Parity.compare(Reference("made up", np.zeros((100, 28, 28), np.uint8), labels, scores), scores, 0.1)


def test_each_repair_is_tried_and_then_the_larger_precisions() -> None:
    lacking = ConversionError("It lacks an operator.")
    job = KnownJob(lambda spec, _: lacking if spec.precision == "int16x8" else spec.precision == "float16")
    text = job.refusal(ExportSpec("tflite", "int8", 0.01, "int8"))
    assert {(each.input_dtype, each.max_accuracy_drop) for each in job.repairs} == {("int8", 0.01)}
    assert job.tried == [
        ("uint8", Treatment("reader")),
        ("float32", Treatment("float", (2,))),
        ("uint8", Treatment("reader", (2,))),  # layer 1 costs most, but has most of the weights
    ]
    assert [(each.precision, each.max_accuracy_drop) for each in job.others] == [
        ("int16x8", 0.01),
        ("dynamic", 0.01),
        ("float16", 0.01),
    ]
    assert "not written. Too much is lost. Repairs that do not help enough: logits out (100.00%), last layer in" in text
    assert "The layer FULLY_CONNECTED (2) loses most: with it in float32, scores of calibration images" in text
    assert "differ by 0.1000 on average. tflite float16 is proven for this model: --quantize float16." in text


@pytest.mark.parametrize(
    ("spec", "layers", "errors", "tried"),
    [
        # An output type that the user chose is kept.
        (
            ExportSpec("tflite", "int8", output_dtype="uint8"),
            LAYERS,
            ERRORS,
            [("uint8", Treatment("reader")), ("uint8", Treatment("reader", (2,)))],
        ),
        # Each layer has half of the weights.
        (
            ExportSpec("tflite", "int8"),
            (LAYERS[0], dataclasses.replace(LAYERS[1], weights=100)),
            {0: 0.3, 1: 0.1},
            [("uint8", Treatment("reader"))],
        ),
        # The last layer has more bits already, and one cannot have more.
        (
            ExportSpec("tflite", "int4"),
            (*(dataclasses.replace(each, weights=100, weight_dtype="int4") for each in LAYERS[:2]), LAYERS[2]),
            {0: 0.3, 2: 0.2},
            [("uint8", Treatment("reader")), ("uint8", Treatment("reader", (0,)))],
        ),
        # With more bits in the first layer, the scores are no numbers.
        (
            ExportSpec("tflite", "int8", output_dtype="float32"),
            LAYERS,
            {0: np.nan, 1: 0.1, 2: 0.2},
            [("float32", Treatment("float")), ("float32", Treatment("float", (2,)))],
        ),
        # Its only output type is int8.
        (
            ExportSpec("tflm", "int8"),
            LAYERS,
            ERRORS,
            [("int8", Treatment("reader")), ("int8", Treatment("reader", (2,)))],
        ),
        (ExportSpec("onnx", "dynamic"), LAYERS, ERRORS, [("float32", Treatment("", (2,)))]),
        (ExportSpec("c", "int8"), LAYERS, ERRORS, [("uint8", Treatment("reader"))]),
        (ExportSpec("tflite", "int8"), (), {}, [("uint8", Treatment("reader"))]),
    ],
)
def test_only_what_an_export_allows_is_tried(
    spec: ExportSpec, layers: tuple[Layer, ...], errors: dict[int, float], tried: list[Tried]
) -> None:
    job = KnownJob(layers=layers, errors=errors)
    text = job.refusal(spec)
    assert job.tried == tried
    has_others = spec.format != "tflm"
    assert ("with smaller losses is proven for this model either." in text) == has_others == bool(job.others)
    assert ("loses most" in text) == bool(errors and spec.format != "c")


def test_a_model_without_an_activation_at_its_end_keeps_more_bits_in_a_layer() -> None:
    def result(_: ExportSpec, treatment: Treatment) -> Result:
        return ConversionError("No activation.") if treatment.activation else treatment.layers == (2,)

    job, spec = KnownJob(result), ExportSpec("tflite", "int8")
    report = repaired(job, spec, job.made(spec))
    assert job.tried == [("uint8", Treatment("reader")), ("float32", Treatment("", (2,)))]
    assert report.repair is not None
    assert report.repair.name == "last layer in float32"
    assert report.repair.refused == "plain export (100.00%), logits out (not possible)"


def test_a_layer_that_cannot_keep_more_bits_is_followed_by_the_next() -> None:
    def result(_: ExportSpec, treatment: Treatment) -> Result:
        return ConversionError("Not this layer.") if treatment.layers == (2,) else treatment.layers == (0,)

    job, spec = KnownJob(result, errors={0: 0.1, 1: 0.2, 2: 0.3}), ExportSpec("tflite", "int8")
    repaired(job, spec, job.made(spec))
    assert job.tried[1:] == [("float32", Treatment("float", (2,))), ("uint8", Treatment("reader", (0,)))]


def test_the_next_precision_is_tried_in_the_same_package() -> None:
    job = KnownJob()
    job.refusal(ExportSpec("c", "int8", package="arduino"))
    assert [(each.precision, each.package) for each in job.others] == [("int16x8", "arduino")]


def test_without_calibration_images_no_layer_is_said_to_lose_most() -> None:
    job = KnownJob()
    job.calibration = None
    assert "loses most" not in job.refusal(ExportSpec("onnx", "dynamic"))


def test_nan_is_not_repaired() -> None:
    job, spec = KnownJob(), ExportSpec("tflite", "int8")
    plain = job.made(spec)
    parity = dataclasses.replace(plain.report.parity, max_score_error=np.inf)
    with pytest.raises(RefusedError, match=r"either\.$") as caught:
        repaired(job, spec, dataclasses.replace(plain, report=dataclasses.replace(plain.report, parity=parity)))
    assert job.tried == []
    assert "loses most" not in str(caught.value)
    assert [each.precision for each in job.others] == ["int16x8", "dynamic", "float16", "float32"]


def test_measuring_layers_takes_limited_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large model has hundreds of layers."""
    monkeypatch.setattr("mnist_exporters.pipeline.repair.SECONDS", -1.0)
    job = KnownJob()
    assert "loses most" not in job.refusal(ExportSpec("onnx", "dynamic"))
    assert job.tried == [("float32", Treatment("", (2,)))]
