"""What is tried when the accuracy check refuses an export. The models are made of `mlp`, so that int8 harms them."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from mnist_exporters import FORMATS, ExportSession, ExportSpec, Precision, RefusedError, open_session
from mnist_exporters.pipeline.diagnosis import SMALLEST
from mnist_exporters.pipeline.repair import UPWARD
from mnist_exporters.spec.treatment import HIGHER, LOGITS_OUT
from mnist_runtime import Artifact, Classifier, self_test
from mnist_trainer import load_model

POINT = 0.01
"""Tolerance with which 1,500 images can prove that nothing is lost."""

HUGE = 300.0
"""A weight that leaves no steps for the others of its unit."""


def near_scores(activation: str) -> keras.Model:
    """Return a network that answers as `mlp`, but whose ten scores differ by less than a step of 1/256."""
    model = keras.models.clone_model(load_model("mlp"))
    model.set_weights(load_model("mlp").get_weights())
    hidden = model.layers[-2].output
    scores = keras.layers.Dense(10, activation=activation, name="scores")
    changed = keras.Model(model.inputs[0], scores(hidden), name="mlp")
    kernel, bias = model.layers[-1].get_weights()
    factor, offset = (0.3, 6) if activation == "sigmoid" else (0.02, 0)
    scores.set_weights([kernel * factor, bias * factor + offset])
    return changed


def huge_weights(layer: str) -> keras.Model:
    """Return `mlp` with a huge weight in each unit of `layer`, whose input is always zero."""
    model = load_model("mlp")
    chosen = model.get_layer(layer)
    kernel, bias = chosen.get_weights()
    kernel[0] = HUGE
    chosen.set_weights([kernel, bias])
    before = {"hidden2": "hidden1", "scores": "hidden2"}.get(layer)
    if before:  # of the pixels, the first is always black
        kernel, bias = model.get_layer(before).get_weights()
        kernel[:, 0], bias[0] = 0, -1
        model.get_layer(before).set_weights([kernel, bias])
    return model


@pytest.fixture(scope="module")
def session_of() -> Callable[..., ExportSession]:
    """Open a session for a model, once for all tests."""
    opened: dict[tuple[Callable[[str], keras.Model], str], ExportSession] = {}

    def session(make: Callable[[str], keras.Model], name: str) -> ExportSession:
        if (make, name) not in opened:
            opened[make, name] = open_session(make(name), "digits", pixel_range="0..1")
        return opened[make, name]

    return session


@pytest.mark.long
@pytest.mark.parametrize("backend", [pytest.param("litert", marks=pytest.mark.slow), "numpy"])
def test_integer_file_whose_scores_tie_gives_logits(
    session_of: Callable[..., ExportSession], tmp_path: Path, backend: str
) -> None:
    session = session_of(near_scores, "sigmoid")
    report = session.export(ExportSpec("tflite", "int8", POINT), tmp_path / "m.tflite")
    assert report.repair is not None
    assert (report.repair.name, report.repair.layers) == ("logits out", ())
    (plain,) = report.repair.failed
    assert (plain.name, plain.parity is not None and plain.parity.passed) == ("plain export", False)
    manifest = Artifact.open(report.path).manifest
    assert (manifest.schema, manifest.output["activation"], manifest.scores) == (2, "sigmoid", "sigmoid")
    assert manifest.repair == report.repair.as_dict() == report.as_dict()["repair"]
    assert (report.output_dtype, "LOGISTIC" in report.requires["operators"]) == ("uint8", False)
    assert "numpy" in report.loads_on  # integers throughout
    assert "repaired   logits out: the file gives logits; the reader applies the sigmoid" in str(report)
    assert self_test(report.path, backend=backend).passed
    scores = Classifier.load(report.path, backend=backend).predict_proba(session.test.images[:200])
    assert np.abs(scores - session.reference.scores[:200]).max() < 0.01
    assert session.verify(report.path, POINT).parity.passed
    stable = session.stability(report)
    assert stable is not None
    assert stable.accuracy_original > 0.85  # the halves are repaired too


@pytest.mark.long
@pytest.mark.parametrize(
    ("activation", "format", "dtype"), [("softmax", "tflite", "float32"), ("sigmoid", "onnx", None)]
)
def test_file_with_float_output_computes_its_activation_in_float(
    session_of: Callable[..., ExportSession], tmp_path: Path, activation: str, format: str, dtype: str | None
) -> None:
    spec = ExportSpec(format, "int8", POINT, output_dtype=dtype)
    report = session_of(near_scores, activation).export(spec, tmp_path)
    assert report.repair is not None
    assert report.repair.what == f"the {activation} is in float32, at the end of the file"
    manifest = Artifact.open(report.path).manifest
    assert (manifest.schema, manifest.output) == (1, {"dtype": "float32", "shape": [None, 10]})  # any runtime reads it


@pytest.mark.long
def test_header_of_a_c_array_with_logits_says_so(session_of: Callable[..., ExportSession], tmp_path: Path) -> None:
    pytest.importorskip("tflite_micro")
    session = session_of(near_scores, "sigmoid")
    report = session.export(ExportSpec("tflm", "int8", POINT), tmp_path / "digits.h")
    header = report.path.read_text()
    assert "Output: ten logits as int8; logit = DIGITS_OUTPUT_SCALE" in header
    assert "score = 1 / (1 + exp(-logit))" in header
    assert "#define DIGITS_OUTPUT_IS_LOGITS 1" in header
    assert session.verify(report.path, POINT).parity.passed


@pytest.mark.slow
def test_last_layer_is_left_in_float(session_of: Callable[..., ExportSession], tmp_path: Path) -> None:
    session = session_of(huge_weights, "scores")
    report = session.export(ExportSpec("tflite", "int8", POINT), tmp_path)
    assert report.repair is not None
    assert (report.repair.name, report.repair.layers) == ("last layer in float32", ("scores",))
    assert [each.name for each in report.repair.failed] == ["plain export", "logits out"]
    # A default type gives way to a finer one. A type that the user chose does not.
    assert report.output_dtype == "float32"
    chosen = session.export(ExportSpec("tflite", "int8", POINT, output_dtype="uint8"), tmp_path / "chosen.tflite")
    assert chosen.repair is not None
    assert (chosen.repair.layers, chosen.output_dtype) == (("scores",), "uint8")
    assert "tflite-micro" not in chosen.loads_on  # it computes in int8 or int16


@pytest.mark.long
@pytest.mark.parametrize(
    ("format", "precision"),
    [
        ("tflite", "int8"),
        pytest.param("tflm", "int8", marks=pytest.mark.slow),
        pytest.param("onnx", "dynamic", marks=pytest.mark.slow),
    ],
)
def test_layer_that_costs_most_is_found_and_left_in_float(
    session_of: Callable[..., ExportSession], tmp_path: Path, format: str, precision: str
) -> None:
    report = session_of(huge_weights, "hidden2").export(ExportSpec(format, precision, POINT), tmp_path)
    assert report.repair is not None
    assert (report.repair.name, report.repair.layers) == ("costliest layer in float32", ("hidden2",))
    assert [each.name for each in report.repair.failed][-1] == "last layer in float32"


@pytest.mark.slow
def test_no_file_is_written_if_every_repair_fails_the_check(
    session_of: Callable[..., ExportSession], tmp_path: Path
) -> None:
    (tmp_path / "m.tflite").write_bytes(b"earlier file")
    with pytest.raises(RefusedError) as caught:
        session_of(huge_weights, "hidden1").export(ExportSpec("tflite", "int8", POINT), tmp_path / "m.tflite")
    assert [path.name for path in tmp_path.iterdir()] == ["m.tflite"]
    assert (tmp_path / "m.tflite").read_bytes() == b"earlier file"
    text = str(caught.value)
    assert "Repairs that do not help enough: logits out (" in text
    assert "The layer hidden1 loses most: with it in float32" in text
    assert "tflite float16 is proven for this model: --quantize float16." in text
    assert caught.value.report is not None
    assert caught.value.report.as_dict()["advice"] in text


@pytest.mark.slow
@pytest.mark.parametrize(("format", "precision"), sorted(LOGITS_OUT | HIGHER.keys()))
def test_repair_of_a_broken_conversion_is_refused(
    shuffle_weights: Callable[[str], None],
    sessions: Callable[[str], ExportSession],
    tmp_path: Path,
    format: str,
    precision: Precision,
) -> None:
    shuffle_weights(format)
    with pytest.raises(RefusedError, match="Repairs that do not help enough"):
        sessions("mlp").export(ExportSpec(format, precision), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_repair_the_plain_export_is_refused(session_of: Callable[..., ExportSession], tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as caught:
        session_of(near_scores, "sigmoid").export(ExportSpec("tflite", "int8", POINT), tmp_path, repair=False)
    assert "Repairs" not in str(caught.value)
    assert (caught.value.exit_code, list(tmp_path.iterdir())) == (3, [])


def test_nothing_is_tried_if_too_few_images_can_prove_anything(
    session_of: Callable[..., ExportSession], tmp_path: Path
) -> None:
    with pytest.raises(RefusedError, match=r"the tolerance is 0\.01 points") as caught:
        session_of(near_scores, "sigmoid").export(ExportSpec("tflite", "int8", 0.0001), tmp_path)
    assert caught.value.report is not None
    assert caught.value.report.advice == ""


def test_repairs_are_for_formats_and_precisions_that_exist() -> None:
    pairs = {(name, precision) for name, row in FORMATS.items() for precision in row.io_types}
    assert pairs >= LOGITS_OUT | HIGHER.keys()
    assert set(UPWARD) == set(SMALLEST) == set(Precision)
