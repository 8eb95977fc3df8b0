"""`Artifact`: a model file with its manifest and golden vectors, checked before anything runs it.

A file is a plain model, which any interpreter can load, and a zip archive after it; see docs/reference/artifact.md. The
comment of the archive is the SHA-256 of all bytes before it, in 64 hexadecimal characters.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.manifest import Manifest
from mnist_runtime.errors import ArtifactError, UnsealedError, first_line, raise_machine_failure

__all__ = ["Artifact", "Golden", "file_bytes"]

DIGEST_LENGTH = 64
MANIFEST_ENTRY = "manifest.json"
GOLDEN_IMAGES_ENTRY = "golden/images.npy"
GOLDEN_SCORES_ENTRY = "golden/scores.npy"

LARGEST_FILE = 1 << 28
"""Most bytes of a file; a digit model has about 1/1000 of them."""
LARGEST_ARCHIVE, LARGEST_ENTRY = 1 << 22, 1 << 20
"""Bytes of the archive, and of a decompressed entry; exported files have 8 kB and 16 kB."""
NPY = rb"\x93NUMPY\x01\x00..\{'descr': '(%s)', 'fortran_order': False, 'shape': \((\d{1,4}), %s\), \} *\n"
"""Header of an array. NumPy's own parser would accept headers that run code or take much memory."""
IMAGE_TYPES, SCORE_TYPES = rb"\|u1", rb"\|u1|\|i1|<i2|<f4"

UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, KeyError, ValueError, RuntimeError, EOFError, OSError)
"""Errors of `zipfile` for damaged, encrypted or truncated archives."""


@dataclass(frozen=True, eq=False)
class Golden:
    """Images, and the scores that the exported file gave for them.

    Parameters
    ----------
    images : ndarray of shape (k, h, w) or (k, h, w, 3), dtype uint8
        Digits, random patterns for other classes, or images of a data set.
    scores : ndarray of shape (k, classes), dtype as the file's output
        Output of the interpreter, not dequantized.
    """

    images: npt.NDArray[np.uint8]
    scores: npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Artifact:
    """A model file whose integrity has been checked.

    Parameters
    ----------
    content : bytes
        The whole file; interpreters can load it.
    manifest : Manifest
        Facts about the model.
    golden : Golden
        Inputs and outputs for the self-test.
    """

    content: bytes
    manifest: Manifest
    golden: Golden

    @classmethod
    def open(cls, path: str | Path, *, trusted: str | Path | None = None) -> Artifact:
        """Read the file at `path` and check its integrity.

        Parameters
        ----------
        path : str or Path
            An exported file.
        trusted : str or Path, optional
            A list of trusted keys, one of which must have signed the file; see `verify_signature`.

        Raises
        ------
        ArtifactError
            If it is missing, was not exported by this toolkit, or was changed since.
        SignatureError
            If no trusted key signed it.
        """
        content = file_bytes(Path(path))
        if trusted is not None:
            from mnist_runtime.artifact.signature import check_signature  # most files are read without

            check_signature(content, Path(path), trusted)
        try:
            return cls.from_bytes(content)
        except ArtifactError as error:
            raise type(error)(f"{path}: {error}") from error

    @classmethod
    def from_bytes(cls, content: bytes) -> Artifact:
        """Check the integrity of a file's `content` and read it; see `open`."""
        body, digest = content[:-DIGEST_LENGTH], content[-DIGEST_LENGTH:]
        if not re.fullmatch(rb"[0-9a-f]{64}", digest):
            raise unsealed_error(content)
        if hashlib.sha256(body).hexdigest().encode() != digest:
            raise ArtifactError("The file is damaged: its SHA-256 differs. Copy or export it again.")
        try:
            with zipfile.ZipFile(io.BytesIO(content[-LARGEST_ARCHIVE:])) as archive:
                manifest = Manifest.from_json(_read(archive, MANIFEST_ENTRY))
                task = manifest.task
                images = _array(_read(archive, GOLDEN_IMAGES_ENTRY), IMAGE_TYPES, *task.image_shape)
                scores = _array(_read(archive, GOLDEN_SCORES_ENTRY), SCORE_TYPES, len(task.labels))
        except ArtifactError:
            raise
        except UNREADABLE as error:
            raise ArtifactError(
                f"The manifest and golden vectors cannot be read ({first_line(error)}). Export the model again."
            ) from error
        if not np.isfinite(scores).all():
            raise ArtifactError("The golden scores are not all finite numbers. Export the model again.")
        if len(scores) not in (0, len(images)):  # no scores before the accuracy check
            raise ArtifactError(
                f"The file has {len(images)} golden images but {len(scores)} golden scores. Export the model again."
            )
        return cls(content, manifest, Golden(images, scores))

    @property
    def sha256(self) -> str:
        """SHA-256 of the whole file, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


def file_bytes(path: Path) -> bytes:
    """Return the content of a regular file of at most 256 MB.

    Raises
    ------
    ArtifactError
        If it cannot be read.
    """
    try:
        facts = path.stat()
        if stat.S_ISREG(facts.st_mode) and facts.st_size <= LARGEST_FILE:
            return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: an impossible file name
        raise_machine_failure(error)
        reason = getattr(error, "strerror", None) or error
        raise ArtifactError(f"Cannot read the model file {path}: {reason}. Check the path.") from error
    raise ArtifactError(f"{path} is {_kind(facts)}, not a model file. Check the path.")


def _kind(facts: os.stat_result) -> str:
    if stat.S_ISDIR(facts.st_mode):
        return "a folder"
    return f"a file of {facts.st_size:,} bytes" if stat.S_ISREG(facts.st_mode) else "a device or pipe"


def _read(archive: zipfile.ZipFile, entry: str) -> bytes:
    """Return an entry of the archive; reject one that is too large or not compressed by deflate."""
    facts = archive.getinfo(entry)
    if facts.file_size > LARGEST_ENTRY or facts.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ArtifactError(
            f"{entry} has {facts.file_size:,} bytes, compressed with method {facts.compress_type}, but at most "
            f"{LARGEST_ENTRY:,} bytes and deflate are allowed. Export the model again."
        )
    with archive.open(facts) as file:
        return file.read(facts.file_size)  # without a size it would first decompress everything


def _array(content: bytes, types: bytes, *row: int) -> npt.NDArray[Any]:
    """Read a ``.npy`` file: return its read-only array, of shape ``(n, *row)`` and a dtype in `types`."""
    header = re.match(NPY % (types, ", ".join(map(str, row)).encode()), content, re.DOTALL)
    if header is None:
        raise ValueError(f"unexpected array header {content[:80]!r}")
    values: npt.NDArray[Any] = np.frombuffer(content, header[1].decode(), offset=header.end())
    return values.reshape(int(header[2]), *row)


HEAD = 4096
"""Bytes at the start of a file that show its kind."""
EXPORT = "Export it with: mnist-export FILE --quantize"
PICTURE = "Give a model after --model, and the picture without an option."


class _Kind(NamedTuple):
    """What a file is, as in "an HDF5 file", and what to do with it."""

    fits: Callable[[bytes], bool]
    name: str
    advice: str


def _starts(*beginnings: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(beginnings)


OURS: tuple[_Kind, ...] = (
    _Kind(
        lambda head: head.startswith(b"/*") and (b"C99" in head[:200] or b"mnist-edge-export" in head[:400]),
        "C code from mnist-export",
        "Compile it into a program; see examples/c.",
    ),
    _Kind(
        lambda head: head[:15].lower() == b"<!doctype html>" and b'name="mnist-edge-export"' in head,
        "a page from mnist-export",
        "Open it in a browser. For this command, export again with --format tflite.",
    ),
)
"""Files of this toolkit that other programs run."""

OTHERS: tuple[_Kind, ...] = (
    _Kind(lambda head: not head, "empty (0 bytes)", "Copy or export it again."),
    _Kind(_starts(b"PK\x03\x04"), "a zip archive, such as a Keras model", EXPORT),
    _Kind(_starts(b"\x89HDF\r\n\x1a\n"), "an HDF5 file, such as a Keras model", EXPORT),
    _Kind(_starts(b"\0asm"), "a WebAssembly module", "Give the .tflite or .onnx file of the same model."),
    _Kind(_starts(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM"), "a picture", PICTURE),
    _Kind(_starts(b"version https://git-lfs"), "a placeholder of Git LFS", "Get the file with: git lfs pull"),
    _Kind(lambda head: head[:5].lower() in (b"<!doc", b"<html"), "a web page", "Download the model itself."),
)
"""Other files that the runtime does not load; the first match counts."""


def unsealed_error(content: bytes) -> ArtifactError:
    """Return the error for a file without a digest at its end.

    It is an `UnsealedError` if another tool may have made the file.
    """
    head = content[:HEAD]
    for kind in OURS:
        if kind.fits(head):
            return ArtifactError(f"This is {kind.name}. {kind.advice}")
    for kind in OTHERS:
        if kind.fits(head):
            return UnsealedError(f"This is {kind.name}, not an exported file. {kind.advice}")
    return UnsealedError(
        "The file does not end with a SHA-256: it was not exported by mnist-export, or is truncated. "
        "Export the Keras model with mnist-export, or copy the file again."
    )
