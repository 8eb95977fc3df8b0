"""Files that Pillow cannot read: read arrays and HEIC pictures, and report the kind of any other file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import PictureError, ToolkitError
from mnist_runtime.preprocess.grayscale import MAX_PIXELS
from mnist_runtime.preprocess.pixels import as_picture

__all__ = ["NUMPY", "Kind", "first_bytes", "heif_format", "is_text", "kind_of", "read_array", "register_heif", "reject"]

NUMPY = b"\x93NUMPY"
"""First bytes of an .npy file."""
ARRAY = re.compile(
    rb"\x93NUMPY(?:\x01\0..|[\x02\x03]\0....)\{'descr': '([|<>=][buif]\d{1,2})', 'fortran_order': (False|True), "
    rb"'shape': \((\d{1,9}(?:, \d{1,9}){0,3}),?\), \} *\n",
    re.DOTALL,
)
"""Header of an array of numbers. NumPy's own parser would accept headers that take much memory."""
HEAD = 4096
"""Bytes at the start of a file that show its kind."""
HEIF_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "a HEIC"),
    **dict.fromkeys((b"avif", b"avis"), "an AVIF"),
}
"""Brand in the first bytes of an ISO media file -> the picture's format, with an article."""
TEXT = re.compile(rb"[\t\n\f\r\x1b\x20-\x7e\x80-\xff]*\Z")
READ = "Use: mnist-runtime read FILE"
AS_PNG = "Save it as PNG or JPEG"


class Kind(NamedTuple):
    """What a file is, as in "a PDF document", and what to do with it."""

    name: str
    advice: str


def first_bytes(source: BinaryIO) -> bytes:
    """Return the first bytes of an open file."""
    source.seek(0)
    return source.read(HEAD)


def read_array(source: BinaryIO, name: str) -> npt.NDArray[np.uint8]:
    """Return the picture in an .npy file, as `as_picture` does with the array.

    Raises
    ------
    PictureError
        If the file is damaged or too large, or its values are not pixels.
    """
    source.seek(0)
    content = source.read()
    header = ARRAY.match(content)
    if header is None:
        raise PictureError(f"{name} is a NumPy file, but not with a plain array of numbers. Save the pixels as uint8.")
    shape = tuple(int(side) for side in header[3].split(b", "))
    try:
        values: npt.NDArray[Any] = np.frombuffer(content, header[1].decode(), offset=header.end())
        return as_picture(values.reshape(shape, order="F" if header[2] == b"True" else "C"), most=4 * MAX_PIXELS)
    except (ValueError, TypeError) as error:
        reason = f"Its header and its size differ ({error})." if not isinstance(error, ToolkitError) else error
        raise PictureError(f"{name}: {reason}") from error


def register_heif(format: str, name: str) -> None:
    """Let Pillow read HEIC or AVIF files by the package pillow-heif.

    Raises
    ------
    PictureError
        If it is not installed or does not support the format.
    """
    try:
        import pillow_heif

        (pillow_heif.register_heif_opener if format == "a HEIC" else pillow_heif.register_avif_opener)()
    except (ImportError, OSError, AttributeError) as error:
        if format == "an AVIF":
            advice = "Update Pillow to 11.3 or newer, or save it as JPEG."
        else:
            advice = "Install pillow-heif with: pip install pillow-heif. Or save it as JPEG."
        raise PictureError(f"{name} is {format} picture. {advice}") from error


def reject(head: bytes, name: str, *, video: bool = False) -> None:
    """Raise a `PictureError` that states the kind of a file, if its first bytes show it.

    If a `video` is expected, a picture is an error and a video is not.
    """
    format = heif_format(head) if video else None
    kind = Kind(f"{format} picture", READ) if format else kind_of(head, Path(name).suffix)
    if video and kind is TEXT_FILE:
        kind = Kind("a text file or a playlist", "Give a video file or the number of a camera.")
    if kind is not None and not (video and kind.name == VIDEO.name):
        raise PictureError(f"{name} is {kind.name}. {kind.advice}")


def heif_format(head: bytes) -> str | None:
    """Return ``"a HEIC"`` or ``"an AVIF"`` for the first bytes of such a picture."""
    if head[4:8] != b"ftyp":
        return None
    brands = [head[8:12], *(head[place : place + 4] for place in range(16, min(len(head), _size(head)) - 3, 4))]
    named = [HEIF_BRANDS[brand] for brand in brands if brand in HEIF_BRANDS]
    # Both have the brand mif1 beside their own.
    return "an AVIF" if "an AVIF" in named else named[0] if named else None


def _size(head: bytes) -> int:
    return int.from_bytes(head[:4], "big")


def _starts(*beginnings: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(beginnings)


def _is_video(head: bytes) -> bool:
    if heif_format(head):
        return False
    return head[4:8] in (b"ftyp", b"moov", b"mdat") or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")


def is_text(head: bytes) -> bool:
    """Return whether a file is text by its first bytes."""
    return len(head) > 0 and TEXT.match(head) is not None and _decodes(head)


def _decodes(head: bytes) -> bool:
    """Return whether the first bytes are UTF-8; the last character may be cut off."""
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and len(head) > 4
    return True


def _mentions(*words: bytes) -> Callable[[bytes], bool]:
    return lambda head: is_text(head) and any(word in head.lower() for word in words)


VIDEO = Kind(
    "a video",
    "Use: mnist-runtime watch --source FILE. Or save its first picture with: ffmpeg -i FILE -frames:v 1 still.png",
)
TEXT_FILE = Kind("a text file", "Give a picture, such as a PNG or JPEG file.")
RAW = Kind("a raw photograph of a camera", "Save it as JPEG with the program of the camera.")
RAW_SUFFIXES = (".dng", ".nef", ".arw", ".cr2", ".pef", ".srw", ".3fr", ".iiq")
"""Raw photographs that begin as TIFF files do."""

KINDS: tuple[tuple[Callable[[bytes], bool], Kind], ...] = (
    (lambda head: not head, Kind("empty (0 bytes)", "Copy or save it again.")),
    (_starts(b"%PDF"), Kind("a PDF document", "Save its page as PNG, such as with: pdftoppm -png -r 150 FILE page")),
    (
        _starts(b"II*\x00\x10\x00\x00\x00CR", b"FUJIFILMCCD-RAW", b"IIU\x00", b"IIRO", b"IIRS", b"MMOR", b"FOVb"),
        RAW,
    ),
    (lambda head: head[4:12] == b"ftypcrx ", RAW),
    (_starts(b"\x00\x00\x00\x0cJXL ", b"\xff\x0a"), Kind("a JPEG XL picture", f"{AS_PNG}.")),
    (_is_video, VIDEO),
    (_starts(b"\x1a\x45\xdf\xa3", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"FLV\x01"), VIDEO),
    (lambda head: head[4:8] == b"TFL3", Kind("a model", "Use: mnist-runtime classify --model FILE PICTURE")),
    (
        _starts(b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"BZh", b"\xfd7zXZ"),
        Kind("an archive or an office document", "Unpack it or export its pictures, and give one of them."),
    ),
    (_starts(b"gimp xcf"), Kind("a GIMP image", "Export it as PNG.")),
    (_mentions(b"https://git-lfs"), Kind("a placeholder of Git LFS", "Get the file with: git lfs pull")),
    (_mentions(b"<svg"), Kind("an SVG drawing", "Export it as PNG.")),
    (_mentions(b"<!doctype html", b"<html"), Kind("a web page", "Download the picture itself.")),
    (is_text, TEXT_FILE),
)
"""Test of a file's first bytes, and its kind; the first match counts."""


def kind_of(head: bytes, suffix: str = "") -> Kind | None:
    r"""Return the kind of a file that is no picture, from its first bytes and its suffix; None if unknown.

    Examples
    --------
    >>> kind_of(b"%PDF-1.7").name
    'a PDF document'
    >>> kind_of(b"\x89PNG") is None
    True
    """
    if head.startswith(b"GIF8"):  # the only picture that may look like text
        return None
    if suffix.lower() in RAW_SUFFIXES and head.startswith((b"II*\0", b"MM\0*")):
        return RAW
    if suffix.lower() == ".npz" and head.startswith(b"PK"):
        return Kind("a NumPy archive", "Give one of its arrays to `classify` or `read`.")
    return next((kind for fits, kind in KINDS if fits(head)), None)
