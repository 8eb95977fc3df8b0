"""First inputs of each reader: made here, and those that earlier runs kept in ``corpus/``."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from mnist_tools.stress.fuzzing.tiny_models import TINY_MODELS
from mnist_tools.stress.model_files import Ready, archive_of, entries_of
from mnist_tools.stress.pictures import sources

__all__ = ["CORPUS", "container_seeds", "kept", "manifest_seeds", "model_seeds", "picture_seeds", "video_seeds"]

CORPUS = Path(__file__).with_name("corpus")
MOST_PICTURES = 120
"""Intact pictures to begin with, of all formats."""


def kept(reader: str) -> list[bytes]:
    """Return the inputs that earlier runs found for a reader."""
    path = CORPUS / f"{reader}.zip"
    if not path.exists():
        return []
    with zipfile.ZipFile(path) as archive:
        return [archive.read(name) for name in archive.namelist()]


def container_seeds() -> list[bytes]:
    """Return sealed files without their digest. Their golden images are bars."""
    found = []
    bars = np.zeros((2, 28, 28), np.uint8)
    bars[0, 4:24, 13:16] = bars[1, 13:16, 4:24] = 255
    for format, scores in (("tflite", np.zeros((2, 10), np.uint8)), ("onnx", np.zeros((2, 10), np.float32))):
        entries = entries_of(Ready.read(format).archive)
        entries["golden/images.npy"], entries["golden/scores.npy"] = _npy(bars), _npy(scores)
        found += [TINY_MODELS["pooled"]() + archive_of(entries, method)[:-64] for method in (8, 0)]
    return found


def _npy(array: object) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)  # type: ignore[arg-type]
    return buffer.getvalue()


def manifest_seeds() -> list[bytes]:
    """Return the manifests of the ready models, and one of another task."""
    found = [json.loads(entries_of(Ready.read(format).archive)["manifest.json"]) for format in ("tflite", "onnx")]
    shape = {"dtype": "uint8", "shape": [None, 16, 20, 3]}
    found.append(found[0] | {"input": shape, "labels": ["red", "green"], "preparation": {"kind": "plain"}, "schema": 2})
    return [json.dumps(facts).encode() for facts in found]


def model_seeds() -> list[bytes]:
    """Return small ``.tflite`` models."""
    return [make() for make in TINY_MODELS.values()]


def picture_seeds() -> list[bytes]:
    """Return a drawn seven in each format and mode, and an array."""
    found = [content for files in sources().values() for content in files if len(content) < 8000]
    return [*found[:: -(-len(found) // MOST_PICTURES)], _npy(np.eye(30, dtype=np.uint8) * 255)]


def video_seeds() -> list[bytes]:
    """Return short videos in several containers, and playlists."""
    import cv2  # optional

    scene = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    header, frame = b"YUV4MPEG2 W16 H12 F10:1 Ip A1:1 C420jpeg\n", b"FRAME\n" + bytes(16 * 12 * 3 // 2)
    found = [header + 3 * frame, b"#EXTM3U\n#EXTINF:4,\nother.ts\n", b"ffconcat version 1.0\nfile other.avi\n"]
    kinds = {"a.avi": "MJPG", "a.mkv": "MJPG", "a.mp4": "mp4v", "a.ts": "mp4v", "a.flv": "FLV1"}
    with tempfile.TemporaryDirectory() as folder:
        for name, kind in kinds.items():
            path = Path(folder) / name
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*kind), 10, (32, 24))
            for _ in range(3):
                writer.write(scene)
            writer.release()
            found.append(path.read_bytes())
    return found
