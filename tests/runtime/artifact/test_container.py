"""Changed, truncated and foreign files are rejected."""

import errno
import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_runtime import Artifact, ArtifactError, UnsealedError
from mnist_runtime.errors import MachineError
from mnist_tools.stress.model_files import Ready

TFLITE, ONNX = Ready.read("tflite").content, Ready.read("onnx").content


@given(st.data())
def test_any_changed_bit_is_found(data: st.DataObject) -> None:
    content = bytearray(TFLITE)
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ArtifactError, match=r"is damaged|does not end with a SHA-256"):
        Artifact.from_bytes(bytes(content))


@pytest.mark.parametrize("content", [TFLITE, ONNX], ids=["tflite", "onnx"])
def test_every_single_byte_counts(content: bytes) -> None:
    step = 97  # a prime, to meet all parts of the file's structures
    for place in [*range(0, len(content), step), *range(len(content) - 200, len(content))]:
        changed = content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]
        with pytest.raises(ArtifactError):
            Artifact.from_bytes(changed)


@given(st.integers(0, 100_000))
def test_any_missing_end_is_found(length: int) -> None:
    with pytest.raises(ArtifactError):
        Artifact.from_bytes(ONNX[: length % len(ONNX)])


def test_the_digest_of_an_artifact_is_that_of_the_whole_file() -> None:
    assert Artifact.from_bytes(TFLITE).sha256 == hashlib.sha256(TFLITE).hexdigest()


def test_added_bytes_are_found() -> None:
    with pytest.raises(ArtifactError):
        Artifact.from_bytes(TFLITE + b"\n")


def test_a_missing_byte_in_the_middle_is_found() -> None:
    with pytest.raises(ArtifactError, match="damaged"):
        Artifact.from_bytes(TFLITE[:1000] + TFLITE[1001:])


def test_a_foreign_file_has_its_own_message(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.tflite"
    foreign.write_bytes(b"TFL3" * 1000)
    with pytest.raises(UnsealedError, match=r"foreign\.tflite.*exported by mnist-export"):
        Artifact.open(foreign)


def test_a_valid_digest_without_a_manifest_is_rejected(tmp_path: Path) -> None:
    body = b"not a model"
    with pytest.raises(ArtifactError, match="manifest and golden vectors"):
        Artifact.from_bytes(body + hashlib.sha256(body).hexdigest().encode())


def test_a_file_that_the_machine_cannot_read_is_not_called_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: Path) -> bytes:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(Path, "read_bytes", failing)
    with pytest.raises(MachineError):
        Artifact.open(__file__)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"nothing\.onnx"):
        Artifact.open(tmp_path / "nothing.onnx")


@pytest.mark.parametrize(
    "start", ["/* The model of cnn-int8.h and everything that runs it. C99,", "/* x, made by mnist-edge-export."]
)
def test_c_code_is_named_as_such(start: str) -> None:
    with pytest.raises(ArtifactError, match=r"C code from mnist-export\. Compile it"):
        Artifact.from_bytes(start.encode() + b" */\nint x;\n" * 50)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "This is empty"),
        (b"PK\3\4keras", "a zip archive, such as a Keras model, not an exported file. Export it with: mnist-export"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file, such as a Keras model"),
        *[
            (start, "a picture, not an exported file. Give a model after --model")
            for start in (b"\x89PNG\r\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"BM")
        ],
        (b"\0asm\1", "a WebAssembly module"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        (b"<!DOCTYPE html><title>Not found</title>", "a web page, not an exported file"),
        (b"<HTML lang='en'><title>Not found</title>", "a web page, not an exported file"),
    ],
)
def test_other_files_are_named_for_what_they_are(content: bytes, words: str) -> None:
    with pytest.raises(UnsealedError) as caught:
        Artifact.from_bytes(content)
    assert words in str(caught.value)


def test_a_page_of_this_toolkit_is_named_as_such() -> None:
    page = b'<!doctype html>\n<meta name="mnist-edge-export" content="0">\n'
    with pytest.raises(ArtifactError, match=r"a page from mnist-export\. Open it in a browser") as caught:
        Artifact.from_bytes(page)
    assert not isinstance(caught.value, UnsealedError)
