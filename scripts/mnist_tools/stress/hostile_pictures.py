"""Decompression bombs (`BOMBS`) and invalid arguments (`ARRAYS`) for `Classifier.classify`."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

LARGEST = 7071
"""Side of the largest square picture that is accepted, in pixels (50 million pixels)."""


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG with a correct checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, data: bytes = b"", *others: bytes, depth: int = 8, color: int = 0) -> bytes:
    """Return a valid PNG with arbitrary pixel data `data`, which is deflated here."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(data, 9))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(others) + pixels + chunk(b"IEND", b"")


def bmp(width: int, height: int, data: bytes = b"", *, bits: int = 8, compression: int = 0) -> bytes:
    """Return a BMP with a palette of 256 gray levels."""
    palette = b"".join(bytes((gray, gray, gray, 0)) for gray in range(256))
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(data), 0, 0, 256, 0)
    start = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + header + palette + data


def gif(width: int, height: int, frame: tuple[int, int, int, int] = (0, 0, 1, 1), frames: int = 1) -> bytes:
    """Return a GIF with `frames` copies of a frame ``(left, top, width, height)`` without pixels."""
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    return screen + (b"\x2c" + struct.pack("<HHHHB", *frame, 0) + b"\x02\x02\x4c\x01\x00") * frames + b"\x3b"


def tiff(tags: dict[int, int], *, following: int = 0, data: bytes = bytes(64)) -> bytes:
    """Return a TIFF with 32-bit `tags` and the offset of the `following` directory."""
    whole = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 8, 279: len(data)} | tags
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(whole.items()))
    count = struct.pack("<H", len(whole))
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + count + directory + struct.pack("<I", following)


def saved(picture: Image.Image, format: str, **options: Any) -> bytes:
    """Return a picture as the bytes of a file."""
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def jpeg_of(width: int, height: int, **options: Any) -> bytes:
    """Return a JPEG of 16 x 16 pixels whose header claims another size."""
    content = bytearray(saved(Image.new("L", (16, 16), 200), "JPEG", **options))
    start = next(content.find(bytes((0xFF, marker))) for marker in (0xC2, 0xC0) if bytes((0xFF, marker)) in content)
    content[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def jpeg_of_scans(width: int, height: int, scans: int) -> bytes:
    """Return a progressive JPEG whose last scan is repeated `scans` times."""
    content = jpeg_of(width, height, progressive=True)
    start = content.rfind(b"\xff\xda")
    return content[:start] + content[start:-2] * scans + content[-2:]


def line(width: int, height: int) -> bytes:
    """Return a complete PNG with black and white pixels."""
    rows = np.zeros((height, 1 + width), np.uint8)
    rows[height // 2 :, 1 + width // 2 :] = 255
    return png(width, height, rows.tobytes())


BOMBS: dict[str, Callable[[], bytes]] = {
    "png 0 x 0": lambda: png(0, 0),
    "png 0 x 10": lambda: png(0, 10),
    "png 1 x 100,000": lambda: line(1, 100_000),
    "png 100,000 x 1": lambda: line(100_000, 1),
    "png 1 x 2,147,483,647": lambda: png(1, 2**31 - 1),
    "png 2,147,483,647 x 1": lambda: png(2**31 - 1, 1),
    "png 4,294,967,295 x 4,294,967,295": lambda: png(2**32 - 1, 2**32 - 1),
    "png 50,000 x 50,000": lambda: png(50_000, 50_000, depth=1),
    "png with more pixel data than pixels": lambda: png(10, 10, bytes(1 << 27)),
    "png text that inflates to 64 MB": lambda: png(10, 10, bytes(110), chunk(b"zTXt", b"a\0\0" + bomb())),
    "png international text that inflates to 64 MB": lambda: png(
        10, 10, bytes(110), chunk(b"iTXt", b"a\0\1\0\0\0" + bomb())
    ),
    "png color profile that inflates to 64 MB": lambda: png(10, 10, bytes(110), chunk(b"iCCP", b"a\0\0" + bomb())),
    "png of 10,000 texts": lambda: png(10, 10, bytes(110), *[chunk(b"tEXt", b"a\0" + bytes(9000))] * 10_000),
    "png exif of noise": lambda: png(10, 10, bytes(110), chunk(b"eXIf", b"II*\0\xff\xff\xff\xff" + bytes(99))),
    "png exif that refers to itself": lambda: png(10, 10, bytes(110), chunk(b"eXIf", tiff({34665: 72, 274: 6}))),
    "gif 0 x 0": lambda: gif(0, 0, (0, 0, 0, 0)),
    "gif 65,535 x 65,535": lambda: gif(65_535, 65_535),
    "gif frame of 65,535 x 65,535": lambda: gif(8, 8, (0, 0, 65_535, 65_535)),
    "gif frame beyond the screen": lambda: gif(8, 8, (65_535, 65_535, 700, 700)),
    "gif of 100,000 frames": lambda: gif(8, 8, frames=100_000),
    "bmp 0 x 0": lambda: bmp(0, 0),
    "bmp top-down, height -2,147,483,648": lambda: bmp(1, -(2**31)),
    "bmp 2,147,483,647 wide": lambda: bmp(2**31 - 1, 1),
    "bmp run-length coded, empty": lambda: bmp(LARGEST, LARGEST, b"\0\1", compression=1),
    "bmp run-length coded, only jumps": lambda: bmp(LARGEST, LARGEST, b"\0\2\xff\xff" * 50_000, compression=1),
    "tiff 0 x 0": lambda: tiff({256: 0, 257: 0}),
    "tiff 4,294,967,295 high": lambda: tiff({256: 1, 257: 2**32 - 1}),
    "tiff with a strip of 4 GB": lambda: tiff({278: 2**32 - 1, 279: 2**32 - 1}),
    "tiff with tiles of 1,073,741,824 pixels": lambda: tiff({322: 2**30, 323: 2**30, 324: 8, 325: 64}),
    "tiff of 65,535 samples": lambda: tiff({277: 65_535}),
    "tiff with circular directories": lambda: tiff({}, following=72),
    "tiff deflated strip that inflates": lambda: tiff({259: 8}, data=bomb()),
    "tiff of LZW noise": lambda: tiff({259: 5}, data=bytes(range(256)) * 4),
    "tiff of fax noise, 65,535 wide": lambda: tiff({256: 65_535, 257: 700, 258: 1, 259: 4}, data=bytes(range(256))),
    "jpeg 65,500 x 65,500": lambda: jpeg_of(65_500, 65_500),
    "jpeg 7,071 x 7,071, truncated": lambda: jpeg_of(LARGEST, LARGEST),
    "jpeg of 200 scans": lambda: jpeg_of_scans(1024, 1024, 200),
    "jpeg of 50,000 scans": lambda: jpeg_of_scans(LARGEST, LARGEST, 50_000),
    "webp 16,383 x 16,383": lambda: saved(Image.new("1", (16_383, 16_383)), "WEBP", lossless=True, method=0),
    "ppm of 10^18 pixels": lambda: b"P6 1000000000 1000000000 255\n" + bytes(100),
    "ppm of 10^100 pixels": lambda: b"P6 1" + b"0" * 50 + b" 1" + b"0" * 50 + b" 255\n",
    "ppm of endless comments": lambda: b"P6 " + b"# comment\n" * 100_000,
    "pgm with 16-bit pixels": lambda: b"P5 100 100 65535\n" + bytes(19_999),
    "pfm of NaN": lambda: b"Pf\n28 28\n-1.0\n" + struct.pack("<f", float("nan")) * 784,
    "pfm of infinity": lambda: b"Pf\n28 28\n-1.0\n" + struct.pack("<f", float("inf")) * 784,
    "tga 65,535 x 65,535": lambda: struct.pack("<BBBHHBHHHHBB", 0, 0, 10, 0, 0, 0, 0, 0, 65_535, 65_535, 24, 0),
    "eps, a program": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n{} loop\n",
    "xpm of noise": lambda: b"/* XPM */\n" + bytes(range(256)),
    "16 MB of zeros": lambda: bytes(1 << 24),
    "largest allowed, gray": lambda: saved(Image.new("L", (LARGEST, LARGEST)), "PNG", compress_level=1),
    "largest allowed, color with alpha": lambda: saved(Image.new("RGBA", (LARGEST, LARGEST)), "PNG", compress_level=1),
}
"""Name -> function that returns the file."""


def bomb() -> bytes:
    """Return 64 MB of zeros, deflated to 64 kB."""
    return zlib.compress(bytes(1 << 26), 9)


def ink(*shape: int, dtype: Any = np.uint8) -> Any:
    """Return an array of zeros with ones in the middle."""
    array = np.zeros(shape, dtype)
    array[tuple(slice(length // 3, length // 3 + max(1, length // 3)) for length in shape[:2])] = 1
    return array


def not_a_number() -> Any:
    """Return a picture with one NaN pixel."""
    array = ink(28, 28, dtype=np.float64)
    array[3, 3] = np.nan
    return array


def masked() -> Any:
    """Return a masked array, whose masked pixel is NaN."""
    untyped: Any = np.ma
    return untyped.masked_invalid(not_a_number())


def cut_off() -> Image.Image:
    """Return a Pillow image, not yet decoded, of a truncated file."""
    content = saved(Image.effect_noise((200, 200), 50), "PNG")
    return Image.open(io.BytesIO(content[: len(content) // 2]))


def closed() -> Image.Image:
    """Return a Pillow image that was closed before it was decoded."""
    picture = Image.open(io.BytesIO(saved(Image.new("L", (9, 9)), "PNG")))
    picture.close()
    return picture


ARRAYS: dict[str, Callable[[], Any]] = {
    "0 x 0": lambda: np.zeros((0, 0), np.uint8),
    "0 x 28": lambda: np.zeros((0, 28), np.uint8),
    "28 x 28 x 0": lambda: np.zeros((28, 28, 0), np.uint8),
    "28 x 28 x 5": lambda: np.zeros((28, 28, 5), np.uint8),
    "no axes": lambda: np.uint8(7),
    "a row": lambda: np.zeros(784, np.uint8),
    "nine axes": lambda: np.zeros((1,) * 9, np.uint8),
    "1 x 1": lambda: np.zeros((1, 1), np.uint8),
    "2 x 2 of ink": lambda: np.array([[0, 255], [0, 255]], np.uint8),
    "1 x 100,000": lambda: ink(1, 100_000) * np.uint8(255),
    "100,000 x 1": lambda: ink(100_000, 1) * np.uint8(255),
    "floats with one NaN": not_a_number,
    "all NaN": lambda: np.full((28, 28), np.nan),
    "infinity": lambda: np.full((28, 28), np.inf),
    "minus infinity": lambda: np.full((28, 28), -np.inf, np.float32),
    "smallest floats": lambda: np.full((28, 28), 5e-324),
    "half floats": lambda: ink(28, 28, dtype=np.float16),
    "long floats": lambda: ink(28, 28, dtype=np.longdouble),
    "long floats beyond the range of doubles": lambda: np.full((28, 28), np.finfo(np.longdouble).max),
    "complex": lambda: ink(28, 28, dtype=np.complex128),
    "objects": lambda: ink(28, 28, dtype=object),
    "integers of 400 digits": lambda: [[10**400] * 28] * 28,
    "strings": lambda: np.full((28, 28), "7"),
    "bytes": lambda: b"seven",
    "dates": lambda: np.zeros((28, 28), "datetime64[s]"),
    "records": lambda: np.zeros((28, 28), [("gray", "u1")]),
    "largest integers": lambda: np.full((28, 28), 2**64 - 1, np.uint64),
    "minus one": lambda: np.full((28, 28), -1),
    "booleans": lambda: ink(28, 28, dtype=bool),
    "masked array": masked,
    "NumPy matrix": lambda: np.ones((28, 28)).view(np.matrix),
    "broadcast to 10^12 bytes": lambda: np.broadcast_to(np.uint8(7), (10**6, 10**6)),
    "broadcast to 10^12 floats": lambda: np.broadcast_to(np.float64(0.5), (10**6, 10**6)),
    "broadcast to 10^18 booleans": lambda: np.broadcast_to(np.bool_(True), (10**9, 10**9)),
    "broadcast to 10^12 16-bit numbers": lambda: np.broadcast_to(np.uint16(700), (10**6, 10**6)),
    "16-bit pixels with alpha": lambda: ink(2000, 3000, 4, dtype=np.uint16) * np.uint16(700),
    "16-bit pixels with an empty side": lambda: np.zeros((0, 9, 4), np.uint16),
    "overlapping strides": lambda: np.lib.stride_tricks.as_strided(ink(28, 28), (5000, 5000), (0, 0)),
    "negative strides": lambda: ink(280, 280)[::-3, ::-5] * np.uint8(255),
    "rows of unequal length": lambda: [[0] * 28, [0] * 27],
    "None": lambda: None,
    "a dictionary": lambda: {"pixels": []},
    "a set": lambda: {0, 255},
    "a path with a NUL character": lambda: "\0",
    "a path with a lone surrogate": lambda: "\ud800.png",
    "a long path": lambda: "x" * 100_000,
    "image of 0 x 0 pixels": lambda: Image.new("L", (0, 0)),
    "image of height 0": lambda: Image.new("RGB", (9, 0)),
    "image with one NaN": lambda: Image.fromarray(not_a_number().astype(np.float32)),
    "image of infinity": lambda: Image.fromarray(np.full((28, 28), np.inf, np.float32)),
    "image with extreme 32-bit integers": lambda: Image.fromarray(np.array([[-(2**31), 2**31 - 1]] * 9, np.int32)),
    "truncated image": cut_off,
    "closed image": closed,
}
"""Name -> function that returns the argument of `classify`."""
