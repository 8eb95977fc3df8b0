"""Content of exported files, in every format and precision."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.shared.export_cases import DEVICE_FILE

from mnist_exporters import ExportReport, Precision
from mnist_runtime import Artifact


@pytest.mark.parametrize(("model", "format", "precision"), DEVICE_FILE)
def test_file_contains_its_manifest_and_golden_vectors(
    exported: Callable[..., ExportReport], golden_images: np.ndarray, model: str, format: str, precision: Precision
) -> None:
    report = exported(model, format, precision)
    artifact = Artifact.open(report.path)
    assert (artifact.manifest.format, artifact.manifest.precision) == (format, precision)
    assert artifact.manifest.parity["passed"] is True
    assert artifact.manifest.labels == tuple("0123456789")
    assert np.array_equal(artifact.golden.images, golden_images)
    assert artifact.golden.scores.shape == (10, 10)
    assert artifact.sha256 == report.sha256 == hashlib.sha256(report.path.read_bytes()).hexdigest()
    assert len(artifact.content) == report.size_bytes


def test_file_is_also_a_plain_model(int8_tflite: Path, int8_onnx: Path) -> None:
    """Standard tools load the file and find it valid."""
    import onnx
    from ai_edge_litert.interpreter import Interpreter

    model = onnx.load(int8_onnx)
    onnx.checker.check_model(model, full_check=True)
    assert [entry.domain for entry in model.opset_import] == [""]
    assert Interpreter(model_path=str(int8_tflite)).get_input_details()[0]["dtype"] == np.uint8
