import dataclasses
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from tests.shared.export_cases import EACH_PAIR

from mnist_exporters import (
    FORMATS,
    Calibration,
    ConversionError,
    ExportSession,
    ExportSpec,
    MissingPackageError,
    Precision,
    RefusedError,
    export,
)
from mnist_runtime import Artifact, Classifier
from mnist_trainer import Splits


@pytest.fixture
def mlp(sessions: Callable[[str], ExportSession]) -> ExportSession:
    return sessions("mlp")


def refused(export_to: Callable[[Path], object], path: Path) -> RefusedError:
    """Export and expect a refusal that leaves the folder unchanged."""
    before = {file: file.read_bytes() for file in path.parent.iterdir()}
    with pytest.raises(RefusedError) as caught:
        export_to(path)
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == before
    assert caught.value.exit_code == 3
    assert caught.value.report.path is None
    return caught.value


@pytest.mark.parametrize(
    "format", [pytest.param(name, marks=() if name in ("tflite", "onnx") else pytest.mark.slow) for name in FORMATS]
)
def test_calibration_with_black_images_is_refused(mlp: ExportSession, tmp_path: Path, format: str) -> None:
    black = np.zeros((50, 28, 28), np.uint8)
    black[0, 0, 0] = 255
    error = refused(
        lambda path: export(
            mlp.original,
            ExportSpec(format, "int8"),
            path,
            reference=mlp.reference,
            calibration=Calibration(black, "black", 0),
            golden_images=mlp.golden_images,
            repair=False,
        ),
        tmp_path / f"model{FORMATS[format].suffix}",
    )
    assert error.report.parity.drop > 0.01


@pytest.mark.parametrize(("format", "precision"), EACH_PAIR)
def test_weights_shuffled_after_conversion_are_refused(
    shuffle_weights: Callable[[str], None], mlp: ExportSession, tmp_path: Path, format: str, precision: Precision
) -> None:
    shuffle_weights(format)
    path = tmp_path / f"model{FORMATS[format].suffix}"
    path.write_bytes(b"earlier file")
    refused(lambda path: mlp.export(ExportSpec(format, precision), path, repair=False), path)


def test_the_version_of_a_package_from_another_distribution_is_recorded(
    mlp: ExportSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as onnxruntime-gpu, which has the module of onnxruntime."""

    def version(package: str) -> str:
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "version", version)
    report = mlp.export(ExportSpec("onnx", "float32"), tmp_path)
    assert Artifact.open(report.path).manifest.tools["onnxruntime"] == onnxruntime.__version__


def test_tolerance_too_strict_for_the_number_of_images_is_refused(mlp: ExportSession, tmp_path: Path) -> None:
    error = refused(lambda path: mlp.export(ExportSpec("onnx", "float32", 0.0005), path), tmp_path / "model.onnx")
    assert "different images of this kind could prove it" in str(error)


def test_file_that_answers_differently_alone_and_in_a_batch_is_refused(
    mlp: ExportSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.onnx"
    mlp.export(ExportSpec("onnx", "float32"), path)
    together = Classifier.predict_proba

    def depends_on_the_batch(classifier: Classifier, images: np.ndarray) -> np.ndarray:
        scores = together(classifier, images)
        return np.roll(scores, 1, axis=1) if len(images) == 1 else scores

    monkeypatch.setattr(Classifier, "predict_proba", depends_on_the_batch)
    error = refused(lambda path: mlp.export(ExportSpec("onnx", "float32"), path), path)
    assert "differently alone and in a batch: 100 of 100 answers" in str(error)
    assert not mlp.verify(path).parity.passed


def test_proven_file_replaces_an_earlier_one(mlp: ExportSession, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"earlier file")
    report = mlp.export(ExportSpec("onnx", "float32"), path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.onnx"]
    (tmp_path.parent / "ordinary").touch()
    assert path.stat().st_mode == (tmp_path.parent / "ordinary").stat().st_mode
    manifest = Artifact.open(path).manifest
    assert manifest.parity == report.parity.as_dict()
    assert manifest.source["parameters"] == mlp.original.model.count_params()
    assert manifest.tools["onnx"].startswith("1.")
    assert "REFUSED" not in str(report)


@pytest.mark.long
@pytest.mark.parametrize(("format", "precision"), EACH_PAIR)
def test_report_lines_fit_80_columns(exported: Callable[..., object], format: str, precision: Precision) -> None:
    assert max(map(len, str(exported("mlp", format, precision)).splitlines())) <= 80


def test_file_that_does_not_reproduce_its_golden_scores_is_refused(
    monkeypatch: pytest.MonkeyPatch, mlp: ExportSession, tmp_path: Path
) -> None:
    true_scores, calls = Classifier.scores, []

    def unsteady(self: Classifier, images: np.ndarray) -> np.ndarray:
        if images is mlp.golden_images:
            calls.append(1)
        return true_scores(self, images) + np.float32(1e-3 * (len(calls) > 1))

    monkeypatch.setattr(Classifier, "scores", unsteady)
    with pytest.raises(ConversionError, match="golden scores"):
        mlp.export(ExportSpec("onnx", "float32"), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_missing_converter_is_reported_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, mlp: ExportSession, tmp_path: Path
) -> None:
    row = dataclasses.replace(FORMATS["onnx"], packages=("imaginary-converter",))
    monkeypatch.setitem(FORMATS, "onnx", row)
    with pytest.raises(MissingPackageError, match="pip install imaginary-converter") as caught:
        mlp.export(ExportSpec("onnx", "float32"), tmp_path / "model.onnx")
    assert caught.value.exit_code == 4


def test_session_computes_shared_values_once(
    monkeypatch: pytest.MonkeyPatch, mlp: ExportSession, digits: Splits, tmp_path: Path
) -> None:
    session = ExportSession(mlp.original, *digits, calibration_samples=100, seed=1)
    assert session.reference is session.reference
    assert (len(session.calibration.images), session.calibration.seed) == (100, 1)
    assert session.calibration is session.calibration
    report = session.export(ExportSpec("tflite", "int8"), tmp_path / "new" / "folder" / "mlp.tflite")
    assert report.path is not None
    manifest = Artifact.open(report.path).manifest
    assert manifest.calibration == session.calibration.as_dict()
    assert manifest.threshold == report.parity.threshold


def test_a_file_that_only_the_installed_interpreter_is_known_to_load_says_so(
    exported: Callable[..., object],
) -> None:
    """It was proven in one, so "no known interpreter" would be untrue."""
    report = dataclasses.replace(exported("mlp", "tflite", Precision.INT8), loads_on=())
    (line,) = [line for line in str(report).splitlines() if "loads on" in line]
    assert line == "  loads on   ai-edge-litert as installed here; older ones lack operators"
