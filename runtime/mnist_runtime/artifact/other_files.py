"""`unsealed_error`: say what a file is that does not end with a digest, and what to do with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mnist_runtime.errors import ArtifactError, UnsealedError

__all__ = ["unsealed_error"]

HEAD = 4096
"""First bytes of a file by which it is recognized."""
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
    _Kind(lambda head: head[:9].lower() in (b"<!doctype", b"<html>\n"), "a web page", "Download the model itself."),
)
"""Files that the runtime does not load; the first that fits."""


def unsealed_error(content: bytes) -> ArtifactError:
    """Return the error for a file without a digest at its end.

    An `UnsealedError` is returned for a file that another tool may have made.

    Examples
    --------
    >>> print(unsealed_error(b"PK..."))
    The file does not end with a SHA-256: it was not exported by mnist-export, or is truncated. \
Export the Keras model with mnist-export, or copy the file again.
    >>> print(unsealed_error(b"GIF89a"))
    This is a picture, not an exported file. Give a model after --model, and the picture without an option.
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
