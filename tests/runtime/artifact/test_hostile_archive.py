"""Hostile files with a valid digest are rejected without running code or taking much memory."""

import io
import json
import pickle
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from mnist_runtime import Artifact, ArtifactError
from mnist_runtime.artifact.container import (
    GOLDEN_IMAGES_ENTRY,
    GOLDEN_SCORES_ENTRY,
    LARGEST_ARCHIVE,
    LARGEST_ENTRY,
    LARGEST_FILE,
    MANIFEST_ENTRY,
)
from mnist_tools.stress.model_files import Ready, archive_of, entries_of, resealed

READY = Ready.read("tflite")
ENTRIES = entries_of(READY.archive)


def opened(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Artifact:
    return Artifact.from_bytes(resealed(READY.model + archive_of(entries, method)))


def with_fact(name: str, value: Any) -> Artifact:
    facts = json.loads(ENTRIES[MANIFEST_ENTRY]) | {name: value}
    return opened(ENTRIES | {MANIFEST_ENTRY: json.dumps(facts).encode()})


def npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def header(text: str, content: bytes = b"") -> bytes:
    padded = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded + content


def test_the_helpers_write_valid_files() -> None:
    """So the files below are rejected for their content."""
    assert opened(ENTRIES).manifest == Artifact.from_bytes(READY.content).manifest
    assert with_fact("threshold", 0.5).manifest.threshold == 0.5
    assert len(opened(ENTRIES | {GOLDEN_SCORES_ENTRY: npy(np.zeros((10, 10), np.float32))}).golden.scores) == 10


BAD_FACTS: list[tuple[str, Any]] = [
    *[("threshold", value) for value in (float("nan"), -0.1, 1.5, 10**400, True, None, "0.5", [0.5], float("inf"))],
    *[("labels", value) for value in ("0123456789", [], ["7"] * 9, [7] * 10, [["7"]] * 10, None, {"0": "0"})],
    *[("labels", ["0", value]) for value in ("", " ", "a ", "\x1b[2J", "\u202e1", "two\nlines", "1" * 101, "\ud800")],
    *[("labels", [str(number) for number in range(count)]) for count in (1, 9, 11, 1001, 100_000)],
    *[("name", value) for value in (None, 7, ["cnn"], "a\x1b[2J", "two\nlines", "\ud800")],
    *[("format", value) for value in (None, 7, [], {})],
    *[("precision", value) for value in (None, 8, ["int8"])],
    *[("scores", value) for value in (None, 1)],
    *[("output", value) for value in (None, [], "uint8", {"activation": "relu"}, {"activation": None})],
    *[("repair", value) for value in (1, "logits", [])],
    *[("golden", value) for value in (None, {"backend": 7}, {"backend": None}, "litert")],
    *[("tools", value) for value in (None, {"numpy": 2})],
    *[("calibration", value) for value in (7, [], "mnist")],
    *[("parity", value) for value in (True, [])],
    *[("schema", value) for value in (0, 1.5, 3, True, "1", None, [1])],
    ("input", None),
    ("input", {}),
    ("input", {"dtype": "object"}),
    ("input", {"dtype": ["uint8"]}),
    ("input", {"dtype": "int8"}),
    *[
        ("input", {"dtype": "uint8", "tensor_shape": shape})
        for shape in (
            None,
            784,
            [],
            [784],
            [2, 784],
            [None, 785],
            [None, 28, -28],
            [None, 28.0, 28],
            [None, 1, 1, 28, 28],
        )
    ],
    ("input", {"dtype": "uint8", "scale": 2, "offset": 0}),
    ("input", {"dtype": "int8", "scale": 1, "offset": 0}),
    ("input", {"dtype": "int8", "scale": float("nan"), "offset": 0}),
    ("input", {"dtype": "float32", "scale": "1", "offset": 0}),
    ("input", {"dtype": "float32", "scale": 10**400, "offset": 0}),
    ("input", {"dtype": "float32", "scale": 1e300, "offset": float("-inf")}),
]


@pytest.mark.parametrize(("name", "value"), BAD_FACTS, ids=repr)
def test_a_manifest_field_of_another_type_is_rejected(name: str, value: Any) -> None:
    with pytest.raises(
        ArtifactError, match=f"'{name}' in the manifest is|The manifest (has schema|is not valid JSON|cannot be used)"
    ) as caught:
        with_fact(name, value)
    assert len(str(caught.value)) < 250
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_manifest_without_a_finite_number_is_rejected(text: str) -> None:
    """Commands print parts of it as JSON, which has no such numbers."""
    content = json.dumps(json.loads(ENTRIES[MANIFEST_ENTRY]) | {"parity": {"drop": 12345}}).replace("12345", text)
    with pytest.raises(ArtifactError, match="is not a finite number"):
        opened(ENTRIES | {MANIFEST_ENTRY: content.encode()})


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_golden_scores_that_are_no_numbers_are_rejected(value: float) -> None:
    scores = np.zeros((10, 10), np.float32)
    scores[3, 4] = value
    with pytest.raises(ArtifactError, match="golden scores are not all finite"):
        opened(ENTRIES | {GOLDEN_SCORES_ENTRY: npy(scores)})


@pytest.mark.parametrize("dtype", ["u1", "i1", "<i2", "<f4"])
def test_golden_scores_have_one_of_the_types_of_outputs(dtype: str) -> None:
    scores = np.arange(100).reshape(10, 10).astype(dtype)
    found = opened(ENTRIES | {GOLDEN_SCORES_ENTRY: npy(scores)}).golden.scores
    assert (found.dtype, found.tolist()) == (np.dtype(dtype), scores.tolist())


@pytest.mark.parametrize("dtype", ["<f8", ">i2", "<u2", "<f2"])
def test_golden_scores_of_another_type_are_rejected(dtype: str) -> None:
    with pytest.raises(ArtifactError, match="unexpected array header"):
        opened(ENTRIES | {GOLDEN_SCORES_ENTRY: npy(np.zeros((10, 10), dtype))})


BAD_MANIFESTS = {
    "empty": b"",
    "not JSON": b"schema: 1",
    "not utf-8": json.dumps(json.loads(ENTRIES[MANIFEST_ENTRY])).encode("utf-16-le") + b"\xff",
    "a list": b"[1]",
    "nested lists": b"[" * 100_000 + b"]" * 100_000,
    "nested objects": b'{"schema":' * 100_000,
    "a number of 10,000 digits": b'{"schema":' + b"1" * 10_000 + b"}",
    "half a text": b'{"schema": 1, "name": "cn',
    "a bomb": ENTRIES[MANIFEST_ENTRY] + b" " * LARGEST_ENTRY,
}


@pytest.mark.parametrize("name", BAD_MANIFESTS)
def test_an_invalid_manifest_is_rejected(name: str) -> None:
    with pytest.raises(ArtifactError, match=r"manifest|golden") as caught:
        opened(ENTRIES | {MANIFEST_ENTRY: BAD_MANIFESTS[name]})
    assert len(str(caught.value)) < 400


class Trap:
    sprung: ClassVar[list[str]] = []

    def __reduce__(self) -> Any:
        return Trap.sprung.append, ("code ran",)


BAD_ARRAYS = {
    "nothing": b"",
    "text": b"twenty digits",
    "a pickle": pickle.dumps([7] * 100),
    "a pickle with code": pickle.dumps(Trap()),
    "objects": npy(np.array([Trap()] * 10)),
    "a zip of arrays": archive_of({"a.npy": ENTRIES[GOLDEN_IMAGES_ENTRY]}),
    "a terabyte": header("{'descr': '|u1', 'fortran_order': False, 'shape': (1400000000, 28, 28), }"),
    "more than an integer holds": header(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({10**30}, 28, 28), }}"),
    "fewer than declared": header("{'descr': '|u1', 'fortran_order': False, 'shape': (10, 28, 28), }", bytes(784)),
    "more than declared": header("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 28, 28), }", bytes(785)),
    "minus one": header("{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 28, 28), }", bytes(784)),
    "code": header("__import__('os').abort()"),
    "a nested header": header("(" * 30_000),
    "a wide text": header("{'descr': '<U99999999', 'fortran_order': False, 'shape': (10, 28, 28), }"),
    "doubles": npy(np.zeros((10, 28, 28))),
    "times": npy(np.zeros((10, 28, 28), "datetime64[s]")),
    "records": npy(np.zeros((10, 28, 28), [("a", "u1")])),
    "another order": npy(np.asfortranarray(np.ones((10, 28, 28), np.uint8))),
    "another shape": npy(np.zeros((10, 784), np.uint8)),
    "no axes": npy(np.zeros((), np.uint8)),
    "another number than the scores": npy(np.zeros((19, 28, 28), np.uint8)),
    "a bomb": npy(np.zeros((9999, 28, 28), np.uint8)),
}


@pytest.mark.parametrize("entry", [GOLDEN_IMAGES_ENTRY, GOLDEN_SCORES_ENTRY])
@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_an_invalid_array_is_rejected(entry: str, name: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ArtifactError, match=r"manifest|golden"):
            opened(ENTRIES | {entry: BAD_ARRAYS[name]})
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()
    assert Trap.sprung == []


def test_a_missing_entry_is_named() -> None:
    for name in ENTRIES:
        with pytest.raises(ArtifactError, match=name):
            opened({other: content for other, content in ENTRIES.items() if other != name})


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression_methods_are_rejected(method: int) -> None:
    with pytest.raises(ArtifactError, match=f"compressed with method {method}"):
        opened(ENTRIES, method)
    assert opened(ENTRIES, zipfile.ZIP_STORED).manifest.name == "cnn"


def test_decompression_stops_at_the_declared_size() -> None:
    archive = bytearray(archive_of(ENTRIES | {MANIFEST_ENTRY: b" " * (50 << 20)}))
    for signature, place in ((b"PK\1\2", 24), (b"PK\3\4", 22)):  # central directory, local header
        start = archive.index(signature) + place
        archive[start : start + 4] = (1000).to_bytes(4, "little")
    tracemalloc.start()
    try:
        with pytest.raises(ArtifactError, match="Bad CRC-32"):
            Artifact.from_bytes(resealed(READY.model + bytes(archive)))
        assert tracemalloc.get_traced_memory()[1] < 5 << 20
    finally:
        tracemalloc.stop()


def test_an_encrypted_entry_is_rejected() -> None:
    archive = bytearray(archive_of(ENTRIES))
    for signature, place in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        archive[archive.index(signature) + place] |= 1
    with pytest.raises(ArtifactError, match="encrypted"):
        Artifact.from_bytes(resealed(READY.model + bytes(archive)))


def test_a_very_long_archive_is_rejected() -> None:
    with pytest.raises(ArtifactError, match="golden vectors cannot be read"):
        opened(ENTRIES | {"more": bytes(LARGEST_ARCHIVE)}, zipfile.ZIP_STORED)


def test_a_very_large_file_is_not_read(tmp_path: Path) -> None:
    large = tmp_path / "large.tflite"
    with large.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    tracemalloc.start()
    try:
        with pytest.raises(ArtifactError, match=r"large\.tflite is a file of 268,435,457 bytes"):
            Artifact.open(large)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_other_files_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is a folder, not a model file"):
        Artifact.open(tmp_path)
    with pytest.raises(ArtifactError, match="is a device or pipe"):
        Artifact.open("/dev/zero")
    with pytest.raises(ArtifactError, match=r"Cannot read the model file .*null"):
        Artifact.open("\0")
