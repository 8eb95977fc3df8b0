"""A model for microcontrollers: a C99 header and the array behind it, proven in the interpreter that runs there.

The pair is for TensorFlow Lite Micro. Its own Python package runs the very bytes of the array, read back from the
source file, in an arena of the very size that the header states.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import UsageError
from mnist_exporters.formats.c.source_code import (
    MANIFEST_BEGIN,
    MANIFEST_END,
    NO_DIGEST,
    header_text,
    identifier,
    source_text,
)
from mnist_runtime import Artifact, ArtifactError, Golden, Manifest

__all__ = ["open_pair", "pack"]


def pack(model: bytes, manifest: Manifest, golden: Golden, stem: str) -> dict[str, bytes]:
    """Return the source and the header, by suffix; their names in C begin with `stem`.

    Raises
    ------
    UsageError
        If one file cannot include the other by that name.
    """
    if not stem.isprintable() or set(stem) & set('"\\'):
        raise UsageError(f"Expected a name that C can include, received {stem!r}; give --output another, ending in .h.")
    name = identifier(stem)
    header = header_text(stem, name, model, manifest)
    source = source_text(stem, name, model, manifest, golden)
    digest = hashlib.sha256((header + source).encode()).hexdigest()
    return {".cc": _stamped(source, NO_DIGEST, digest).encode(), ".h": _stamped(header, NO_DIGEST, digest).encode()}


def open_pair(path: Path) -> Artifact:
    """Read the header at `path` and the source beside it, and check them against the digest that both carry.

    Raises
    ------
    ArtifactError
        If one is missing, damaged or of another export than the other.
    """
    try:
        header, source = path.read_text("utf-8"), path.with_suffix(".cc").read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(
            f"Expected a header at {path} and its .cc beside it, could not read both ({error}); export them again."
        ) from error
    found = re.search(r'_SHA256 "([0-9a-f]{64})"', header)
    if not found or _digest(header, source, found[1]) != found[1]:
        raise ArtifactError(
            f"{path}: expected header and source of one export, unchanged (SHA-256 differs); export them again."
        )
    name = identifier(path.stem)
    return Artifact(
        content=_array(source, f"{name}_model", np.uint8).tobytes(),
        manifest=Manifest.from_json(header.partition(MANIFEST_BEGIN)[2].partition(MANIFEST_END)[0]),
        golden=Golden(
            _array(source, f"{name}_golden_pixels", np.uint8).reshape(-1, 28, 28),
            _array(source, f"{name}_golden_scores", np.int8).reshape(-1, 10),
        ),
    )


def _digest(header: str, source: str, digest: str) -> str:
    """Return the SHA-256 of both texts as they were before `digest` was put into them."""
    return hashlib.sha256(
        (_stamped(header, digest, NO_DIGEST) + _stamped(source, digest, NO_DIGEST)).encode()
    ).hexdigest()


def _stamped(text: str, old: str, new: str) -> str:
    """Put the digest `new` in the place of `old`: whole, and its first 32 bits as a number for the preprocessor."""
    return text.replace(old, new).replace(f" 0x{old[:8]}u\n", f" 0x{new[:8]}u\n")


def _array(source: str, name: str, dtype: type[np.integer[Any]]) -> npt.NDArray[Any]:
    """Return the numbers between the braces behind `name`.

    Raises
    ------
    ArtifactError
        If there is no such array, as when the files were renamed.
    """
    found = re.search(rf"\b{name}\[[^=;]*=\s*\{{([-\d,\s]*)\}};", source)
    if not found:
        raise ArtifactError(f"Expected an array called {name}, found none: keep the names of the two files.")
    return np.array([int(number) for number in re.findall(r"-?\d+", found[1])], dtype)
