import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.export_cases import DEVICE_PAIR

from mnist_exporters import ExportReport, Precision
from mnist_runtime import Artifact, ArtifactError


@pytest.mark.parametrize(("format", "precision"), DEVICE_PAIR)
def test_a_file_tells_what_it_is_and_carries_its_golden_vectors(
    exported: Callable[..., ExportReport], golden_images: np.ndarray, format: str, precision: Precision
) -> None:
    report = exported("cnn", format, precision)
    artifact = Artifact.open(report.path)
    assert (artifact.manifest.format, artifact.manifest.precision) == (format, precision)
    assert artifact.manifest.parity["passed"] is True
    assert artifact.manifest.labels == tuple("0123456789")
    assert np.array_equal(artifact.golden.images, golden_images)
    assert artifact.golden.scores.shape == (10, 10)
    assert artifact.sha256 == report.sha256 == hashlib.sha256(report.path.read_bytes()).hexdigest()
    assert len(artifact.content) == report.size_bytes


@given(st.data())
def test_any_changed_bit_is_found(int8_tflite: Path, data: st.DataObject) -> None:
    content = bytearray(int8_tflite.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ArtifactError, match="Expected"):
        Artifact.from_bytes(bytes(content))


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_every_single_byte_counts(int8_tflite: Path, int8_onnx: Path, kind: str) -> None:
    content = {"tflite": int8_tflite, "onnx": int8_onnx}[kind].read_bytes()
    step = 97  # a prime, so that all parts of the file's structures are met
    for place in [*range(0, len(content), step), *range(len(content) - 200, len(content))]:
        changed = content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]
        with pytest.raises(ArtifactError):
            Artifact.from_bytes(changed)


@given(st.integers(0, 100_000))
def test_any_missing_end_is_found(int8_onnx: Path, length: int) -> None:
    content = int8_onnx.read_bytes()
    with pytest.raises(ArtifactError):
        Artifact.from_bytes(content[: length % len(content)])


def test_added_bytes_are_found(int8_tflite: Path) -> None:
    with pytest.raises(ArtifactError):
        Artifact.from_bytes(int8_tflite.read_bytes() + b"\n")


def test_a_missing_byte_in_the_middle_is_found(int8_tflite: Path) -> None:
    content = int8_tflite.read_bytes()
    with pytest.raises(ArtifactError, match="damaged"):
        Artifact.from_bytes(content[:1000] + content[1001:])


def test_a_foreign_file_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.tflite"
    foreign.write_bytes(b"TFL3" * 1000)
    with pytest.raises(ArtifactError, match=r"foreign\.tflite.*exported by mnist-export"):
        Artifact.open(foreign)


def test_a_digest_over_nothing_of_ours_does_not_help(tmp_path: Path) -> None:
    body = b"not a model"
    with pytest.raises(ArtifactError, match="manifest and golden vectors"):
        Artifact.from_bytes(body + hashlib.sha256(body).hexdigest().encode())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"nothing\.onnx"):
        Artifact.open(tmp_path / "nothing.onnx")


def test_the_model_inside_needs_nothing_of_ours(int8_tflite: Path, int8_onnx: Path) -> None:
    """Each file is a plain model as well: the standard tools load it and find it valid."""
    import onnx
    from ai_edge_litert.interpreter import Interpreter

    model = onnx.load(int8_onnx)
    onnx.checker.check_model(model, full_check=True)
    assert [entry.domain for entry in model.opset_import] == [""]
    assert Interpreter(model_path=str(int8_tflite)).get_input_details()[0]["dtype"] == np.uint8
