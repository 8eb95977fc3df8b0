"""`READERS`: the kinds of files that the runtime reads, and checks that detect wrong answers without an error."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import json
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mnist_runtime import Artifact, Classifier, Manifest, ToolkitError
from mnist_runtime.backends.numpy_int8 import load_numpy
from mnist_runtime.backends.tflite_format.flatbuffer import LONGEST_TEXT
from mnist_runtime.backends.tflite_format.model import TFLiteFile
from mnist_runtime.preprocess import bounds, decode
from mnist_runtime.preprocess.decode import read_picture
from mnist_runtime.preprocess.grayscale import MAX_PIXELS
from mnist_tools.stress.fuzzing import seeds
from mnist_tools.stress.pictures import with_right_checksums

__all__ = ["READERS", "Reader", "WrongAnswerError"]

DIGEST = 64
SMALL, ONE_OF = 1 << 14, 8
"""Pictures with at most `SMALL` pixels are also classified, but only one in `ONE_OF`, because classifying is slow."""
MOST_PIXELS = 1 << 20
"""Largest picture (in pixels) that is decoded here. `scripts/tool stress pictures` decodes larger ones."""
MOST_FRAMES = 50


class WrongAnswerError(Exception):
    """A reader accepted an input and gave an answer that cannot be right."""


@dataclass(frozen=True)
class Reader:
    """One reader.

    Parameters
    ----------
    summary : str
        What is read, and which answer counts as silently wrong.
    seeds : callable
        Function that returns the first inputs.
    read : callable
        Function that reads one input. It raises a `ToolkitError` to refuse it, a `WrongAnswerError` for a wrong answer,
        and anything else if it crashes.
    longest : int
        Longest input, in bytes.
    """

    summary: str
    seeds: Callable[[], list[bytes]]
    read: Callable[[bytes], None]
    longest: int = 1 << 14


def require(holds: bool, what: str) -> None:
    """Raise a `WrongAnswerError` if the condition is false."""
    if not holds:
        raise WrongAnswerError(what)


def texts(value: Any) -> Iterator[str]:
    """Yield all keys and strings in a value of JSON."""
    if isinstance(value, dict):
        yield from itertools.chain(value, *map(texts, value.values()))
    elif isinstance(value, list):
        yield from itertools.chain(*map(texts, value))
    elif isinstance(value, str):
        yield value


def check_manifest(manifest: Manifest) -> None:
    """Check a manifest that was accepted."""
    text = manifest.to_json()
    require(Manifest.from_json(text) == manifest, "the manifest changes when it is written and read")
    require(all(map(str.isprintable, texts(json.loads(text)))), "a text of the manifest has control characters")
    require(len(manifest.task.labels) == len(manifest.labels) > 1, "the task has other labels")
    require(0 <= manifest.threshold <= 1, "the threshold is no probability")


def read_manifest(content: bytes) -> None:
    """Read a manifest."""
    check_manifest(Manifest.from_json(content))


def read_container(content: bytes) -> None:
    """Read a file unchanged, which must be rejected unless its digest is right, and again with a right digest added."""
    body, digest = content[:-DIGEST], content[-DIGEST:]
    try:
        Artifact.from_bytes(content)
    except ToolkitError:
        pass
    else:
        require(hashlib.sha256(body).hexdigest().encode() == digest, "a wrong digest was accepted")
    artifact = Artifact.from_bytes(content + hashlib.sha256(content).hexdigest().encode())
    check_manifest(artifact.manifest)
    images, scores = artifact.golden.images, artifact.golden.scores
    require(images.shape[1:] == artifact.manifest.task.image_shape, "the golden images have another shape")
    require(images.dtype == np.uint8 and len(scores) in (0, len(images)), "the golden vectors do not fit")


def read_flatbuffer(content: bytes) -> None:
    """Read the graph of a ``.tflite`` file, and compare it with the reader that FlatBuffers generated."""
    found = TFLiteFile.read(content)
    try:
        graph = schema.Model.GetRootAs(content, 0).Subgraphs(0)
        tensors = [graph.Tensors(index) for index in range(graph.TensorsLength())]
        names = [(one.Name() or b"")[:LONGEST_TEXT].decode(errors="replace") for one in tensors]
        shapes = [tuple(map(one.Shape, range(one.ShapeLength()))) for one in tensors]
        operators = [graph.Operators(index) for index in range(graph.OperatorsLength())]
        inputs = [tuple(one.Inputs(index) for index in range(one.InputsLength())) for one in operators]
    except Exception:  # the generated reader does not check its input
        return
    require(
        [(one.name, one.shape) for one in found.tensors] == list(zip(names, shapes, strict=True)),
        "other tensors than FlatBuffers reads",
    )
    require([one.inputs for one in found.operators] == inputs, "other operators than FlatBuffers reads")


def read_model(content: bytes) -> None:
    """Load a model into the NumPy engine, and classify images alone and together."""
    backend = load_numpy(content)
    dtype = backend.input_dtype  # type: ignore[attr-defined]
    images = np.random.default_rng(0).integers(0, 100, (2, 28, 28, 1)).astype(dtype)
    together = backend.run(images)
    alone = [backend.run(images[index : index + 1]) for index in range(len(images))]
    if all(one.shape == together[:1].shape for one in alone):  # `Classifier` refuses others
        require(np.array_equal(np.concatenate(alone), together), "images alone and together have other scores")


@functools.cache
def _classifier() -> Classifier:
    return Classifier.load(backend="numpy")


@contextlib.contextmanager
def _file(content: bytes) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile(prefix="fuzzed-") as file:
        file.write(content)
        file.flush()
        yield Path(file.name)


def read_pixels(content: bytes) -> None:
    """Read a picture, a PNG with corrected checksums, and classify some of the small ones."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        content = with_right_checksums(content)
    with _file(content) as path:
        _read_pixels(path, is_classified=zlib.crc32(content) % ONE_OF == 0)


def _read_pixels(path: Path, is_classified: bool) -> None:
    with patch.object(decode, "MAX_PIXELS", MOST_PIXELS), patch.object(bounds, "MAX_PIXELS", MOST_PIXELS):
        pixels, again = read_picture(path), read_picture(path)
    count = pixels.shape[0] * pixels.shape[1]
    require(pixels.dtype == np.uint8 and pixels.ndim in (2, 3), "the pixels have another type")
    require(0 < count <= 4 * MAX_PIXELS, "the picture has another size")
    require(np.array_equal(again, pixels), "read again, the picture has other pixels")
    if count <= SMALL and is_classified:
        found = _classifier().classify(pixels)
        require(found == _classifier().classify(path), "the file and its pixels have other answers")
        require(0 <= found.confidence <= 1, "the confidence is no probability")


def read_video(content: bytes) -> None:
    """Read the frames of a video."""
    from mnist_runtime.reading.video import frames

    last, number = 0.0, -1
    with _file(content) as path:
        for frame in itertools.islice(frames(path, 20), MOST_FRAMES):
            require(last <= frame.seconds < 1e10, "the time goes back or is not finite")
            require(number < frame.number, "the number of the frame goes back")
            require(0 < frame.pixels.size <= 3 * MAX_PIXELS and frame.pixels.dtype == np.uint8, "other pixels")
            last, number = frame.seconds, frame.number


READERS: dict[str, Reader] = {
    "container": Reader("the archive behind a model: digest, golden vectors", seeds.container_seeds, read_container),
    "manifest": Reader("the manifest: written and read again", seeds.manifest_seeds, read_manifest),
    "flatbuffer": Reader("the graph of a `.tflite` file: as FlatBuffers reads it", seeds.model_seeds, read_flatbuffer),
    "numpy-engine": Reader("the backend `numpy`: images alone and together", seeds.model_seeds, read_model),
    "pictures": Reader("picture files: twice, and as an array", seeds.picture_seeds, read_pixels),
    "video": Reader("videos and playlists: times and sizes of frames", seeds.video_seeds, read_video, 1 << 16),
}
"""Name -> reader. To add one, add its function and one line here."""
