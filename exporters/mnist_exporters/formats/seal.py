"""`seal`: append manifest, golden vectors and digest to a model. `mnist_runtime.artifact.container` reads them."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable

import numpy as np

from mnist_runtime.artifact.container import (
    DIGEST_LENGTH,
    GOLDEN_IMAGES_ENTRY,
    GOLDEN_SCORES_ENTRY,
    MANIFEST_ENTRY,
    Golden,
)
from mnist_runtime.artifact.manifest import Manifest

__all__ = ["seal"]

EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of every zip entry, the earliest that zip allows. It is fixed so that equal exports have equal bytes."""


def seal(
    model: bytes, manifest: Manifest, golden: Golden, *, enclose: Callable[[bytes], bytes] = lambda trailer: trailer
) -> bytes:
    """Return the whole file: `model`, then a zip archive whose comment is the SHA-256 of everything before it.

    Parameters
    ----------
    model : bytes
        The bare model.
    manifest, golden : Manifest, Golden
        Content of the archive.
    enclose : callable, optional
        Function that wraps the archive, so that readers of the format skip it. Default: the archive is unchanged.
    """
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as entries:
        for name, content in (
            (MANIFEST_ENTRY, manifest.to_json().encode()),
            (GOLDEN_IMAGES_ENTRY, _npy(golden.images)),
            (GOLDEN_SCORES_ENTRY, _npy(golden.scores)),
        ):
            entries.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
        entries.comment = b"0" * DIGEST_LENGTH  # placeholder, so that the lengths are final before hashing
    body = (model + enclose(archive.getvalue()))[:-DIGEST_LENGTH]
    return body + hashlib.sha256(body).hexdigest().encode()


def _npy(array: np.ndarray) -> bytes:  # type: ignore[type-arg]  # any dtype
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
