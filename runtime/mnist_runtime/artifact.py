"""`Artifact`: one model file with its manifest and golden vectors inside, checked before anything runs it.

The layout, in full in ``docs/artifact.md``::

    model         a plain .tflite or .onnx, which any interpreter loads as it is
    zip archive   manifest.json, golden/images.npy, golden/scores.npy; its comment is the
    SHA-256       of every byte before it, 64 hexadecimal characters, the end of the file
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import ArtifactError, UnsealedError
from mnist_runtime.manifest import Manifest

__all__ = ["Artifact", "Golden"]

DIGEST_LENGTH = 64
MANIFEST_ENTRY = "manifest.json"
GOLDEN_IMAGES_ENTRY = "golden/images.npy"
GOLDEN_SCORES_ENTRY = "golden/scores.npy"


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
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise ArtifactError(
                f"Expected a model file at {path}, could not read it ({error.strerror}); check the path."
            ) from error
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
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                manifest = Manifest.from_json(archive.read(MANIFEST_ENTRY))
                golden = Golden(_array(archive, GOLDEN_IMAGES_ENTRY), _array(archive, GOLDEN_SCORES_ENTRY))
        except (zipfile.BadZipFile, KeyError, ValueError) as error:
            raise ArtifactError(
                f"Expected a manifest and golden vectors inside, could not read them ({error}); export the model again."
            ) from error
        return cls(content, manifest, golden)

    @property
    def sha256(self) -> str:
        """SHA-256 of the whole file, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


def _array(archive: zipfile.ZipFile, entry: str) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = np.load(io.BytesIO(archive.read(entry)), allow_pickle=False)
    return array
