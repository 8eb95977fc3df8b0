"""`Artifact`: one model file with its manifest and golden vectors inside, checked before anything runs it.

The layout, in full in ``docs/artifact.md``::

    model         a plain .tflite or .onnx, which any interpreter loads as it is
    zip archive   manifest.json, golden/images.npy, golden/scores.npy; its comment is the
    SHA-256       of every byte before it, 64 hexadecimal characters, the end of the file
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.manifest import Manifest
from mnist_runtime.errors import ArtifactError, UnsealedError

__all__ = ["Artifact", "Golden"]

DIGEST_LENGTH = 64
MANIFEST_ENTRY = "manifest.json"
GOLDEN_IMAGES_ENTRY = "golden/images.npy"
GOLDEN_SCORES_ENTRY = "golden/scores.npy"

LARGEST_FILE = 1 << 28
"""Bytes; a thousand times as many as a digit model has. A greater file is not read into a small device's memory."""
LARGEST_ARCHIVE, LARGEST_ENTRY = 1 << 22, 1 << 20
"""Bytes of the archive, and of an entry when it is inflated; an export's have 8 kB and 16 kB."""
NPY = rb"\x93NUMPY\x01\x00..\{'descr': '(%s)', 'fortran_order': False, 'shape': \((\d{1,4}), %s\), \} *\n"
"""The header that NumPy writes before an array. So narrow, nothing in it can ask for memory, code or a warning."""
GOLDEN_IMAGES = re.compile(NPY % (rb"\|u1", b"28, 28"), re.DOTALL)
GOLDEN_SCORES = re.compile(NPY % (rb"\|u1|\|i1|<i2|<f4", b"10"), re.DOTALL)

UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, KeyError, ValueError, RuntimeError, EOFError, OSError)
"""What `zipfile` raises on archives that nobody's `zipfile` wrote: damaged, encrypted, cut off."""


@dataclass(frozen=True, eq=False)
class Golden:
    """Images and the scores that the exported file gave for them when it was proven.

    Parameters
    ----------
    images : ndarray of shape (k, 28, 28), dtype uint8
        Real digits.
    scores : ndarray of shape (k, 10), dtype as the file's output
        As the interpreter gave them, not dequantised.
    """

    images: npt.NDArray[np.uint8]
    scores: npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Artifact:
    """A model file that has been read and found whole.

    Parameters
    ----------
    content : bytes
        The whole file; an interpreter takes it as it is.
    manifest : Manifest
        What it says about itself.
    golden : Golden
        Inputs and outputs to test a device with.
    """

    content: bytes
    manifest: Manifest
    golden: Golden

    @classmethod
    def open(cls, path: str | Path) -> Artifact:
        """Read the file at `path` and check its integrity.

        Raises
        ------
        ArtifactError
            If it is missing, not an artifact of this toolkit, or differs in a single byte from what was exported.
        """
        content = _content(Path(path))
        try:
            return cls.from_bytes(content)
        except ArtifactError as error:
            raise type(error)(f"{path}: {error}") from error

    @classmethod
    def from_bytes(cls, content: bytes) -> Artifact:
        """Check the integrity of a file's `content` and read what it says; see `open`."""
        body, digest = content[:-DIGEST_LENGTH], content[-DIGEST_LENGTH:]
        if not re.fullmatch(rb"[0-9a-f]{64}", digest):
            raise UnsealedError(
                "Expected a file exported by mnist-export, with its SHA-256 at the end, received another kind of file "
                "or a truncated one; export the Keras model with mnist-export, or copy the file again."
            )
        if hashlib.sha256(body).hexdigest().encode() != digest:
            raise ArtifactError(
                "Expected the bytes that were exported, received others (SHA-256 differs): the file is damaged; "
                "copy or export it again."
            )
        try:
            with zipfile.ZipFile(io.BytesIO(content[-LARGEST_ARCHIVE:])) as archive:
                manifest = Manifest.from_json(_read(archive, MANIFEST_ENTRY))
                images = _array(_read(archive, GOLDEN_IMAGES_ENTRY), GOLDEN_IMAGES, 28, 28)
                scores = _array(_read(archive, GOLDEN_SCORES_ENTRY), GOLDEN_SCORES, 10)
        except ArtifactError:
            raise
        except UNREADABLE as error:
            raise ArtifactError(
                f"Expected a manifest and golden vectors inside, could not read them ({error}); export the model again."
            ) from error
        if len(scores) not in (0, len(images)):  # none in a draft, which is not yet proven
            raise ArtifactError(
                f"Expected scores for {len(images)} golden images, received {len(scores)}; export the model again."
            )
        return cls(content, manifest, Golden(images, scores))

    @property
    def sha256(self) -> str:
        """SHA-256 of the whole file, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


def _content(path: Path) -> bytes:
    try:
        facts = path.stat()
        if stat.S_ISREG(facts.st_mode) and facts.st_size <= LARGEST_FILE:
            return path.read_bytes()
    except (OSError, ValueError) as error:  # a ValueError is of a name that no file can have
        reason = getattr(error, "strerror", None) or error
        raise ArtifactError(
            f"Expected a model file at {path}, could not read it ({reason}); check the path."
        ) from error
    raise ArtifactError(
        f"Expected a model file of at most {LARGEST_FILE:,} bytes at {path}, received {_kind(facts)}; check the path."
    )


def _kind(facts: os.stat_result) -> str:
    if stat.S_ISDIR(facts.st_mode):
        return "a folder"
    return f"one of {facts.st_size:,}" if stat.S_ISREG(facts.st_mode) else "no regular file"


def _read(archive: zipfile.ZipFile, entry: str) -> bytes:
    """Return an entry of the archive, unless it says that it needs more memory than any that is exported."""
    facts = archive.getinfo(entry)
    if facts.file_size > LARGEST_ENTRY or facts.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ArtifactError(
            f"Expected {entry} to hold at most {LARGEST_ENTRY:,} bytes, deflated, received {facts.file_size:,} by "
            f"method {facts.compress_type}; export the model again."
        )
    with archive.open(facts) as file:
        return file.read(facts.file_size)  # without a number it would be inflated to its end, and only then cut off


def _array(content: bytes, header: re.Pattern[bytes], *row: int) -> npt.NDArray[Any]:
    """Return the array of shape ``(n, *row)`` in a ``.npy``; it cannot be written to, as the file cannot."""
    found = header.match(content)
    if found is None:
        raise ValueError(f"an array begins with {content[:80]!r}")
    values: npt.NDArray[Any] = np.frombuffer(content, found[1].decode(), offset=found.end())
    return values.reshape(int(found[2]), *row)
