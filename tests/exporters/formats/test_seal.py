import dataclasses
import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.shared.export_cases import DEVICE_PAIR

from mnist_exporters import FORMATS, ExportReport, Precision
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.seal import seal
from mnist_runtime import Artifact, Golden, Manifest

GOLDEN = Golden(np.arange(2 * 784, dtype=np.uint8).reshape(2, 28, 28), np.eye(10, dtype=np.float32)[:2])


@pytest.fixture(scope="module")
def manifest(ready: dict[str, Path]) -> Manifest:
    return Artifact.open(ready["tflite"]).manifest


@settings(max_examples=50)
@given(st.binary(max_size=5000), st.sampled_from(["tflite", "onnx"]))
def test_a_packed_file_is_read_back(manifest: Manifest, model: bytes, format: str) -> None:
    manifest = dataclasses.replace(manifest, format=format)
    content = load_plugin(format).pack(model, manifest, GOLDEN, "name")[FORMATS[format].suffix]
    artifact = Artifact.from_bytes(content)
    assert artifact.manifest == manifest
    assert np.array_equal(artifact.golden.images, GOLDEN.images)
    assert np.array_equal(artifact.golden.scores, GOLDEN.scores)
    assert content.startswith(model)
    assert load_plugin(format).pack(model, manifest, GOLDEN, "another")[FORMATS[format].suffix] == content


def test_the_layout_is_the_documented_one(manifest: Manifest, tmp_path: Path) -> None:
    """docs/reference/artifact.md, to the byte."""
    content = seal(b"MODEL", manifest, GOLDEN)
    assert content[:5] == b"MODEL"
    assert content[5:9] == b"PK\x03\x04"
    assert content[-64:].decode() == hashlib.sha256(content[:-64]).hexdigest()
    assert content[-66:-64] == (64).to_bytes(2, "little")  # the length of the archive's comment
    (tmp_path / "file").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "file") as archive:
        assert archive.namelist() == ["manifest.json", "golden/images.npy", "golden/scores.npy"]
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_DEFLATED}


@pytest.mark.parametrize("count", [0, 1, 10, 100])
def test_a_packed_onnx_file_remains_a_valid_message(manifest: Manifest, count: int) -> None:
    model = onnx.helper.make_model(onnx.helper.make_graph([], "empty", [], []))
    images = np.random.default_rng(0).integers(0, 256, (count, 28, 28), np.uint8)
    golden = Golden(images, np.zeros((count, 10), np.float32))
    content = load_plugin("onnx").pack(model.SerializeToString(), manifest, golden, "name")[".onnx"]
    read = onnx.load_from_string(content)
    assert read.graph == model.graph
    assert read.SerializeToString() == content


@pytest.mark.long
@pytest.mark.parametrize(("format", "precision"), DEVICE_PAIR)
def test_the_standard_library_reads_the_archive(
    exported: Callable[..., ExportReport], format: str, precision: Precision
) -> None:
    content = exported("mlp", format, precision).path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["manifest.json", "golden/images.npy", "golden/scores.npy"]
        assert archive.comment == content[-64:]
