"""Limits of picture files: what is read at all, and what is checked before it is decoded."""

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_runtime import PictureError
from mnist_runtime.preprocess.decode import image_pixels, read_picture
from mnist_tools.stress.hostile_pictures import chunk, png


def as_file(picture: np.ndarray, format: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format)
    return buffer.getvalue()


def ico(*files: bytes) -> bytes:
    """Return an icon that claims 32 x 32 pixels for each of `files`."""
    content, start = struct.pack("<HHH", 0, 1, len(files)), 6 + 16 * len(files)
    for file in files:
        content += struct.pack("<BBBBHHII", 32, 32, 0, 0, 1, 32, len(file), start)
        start += len(file)
    return content + b"".join(files)


def icns(file: bytes) -> bytes:
    return b"icns" + struct.pack(">I", 16 + len(file)) + b"ic07" + struct.pack(">I", 8 + len(file)) + file


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "WEBP", "npy"])
def test_a_sparse_file_of_three_gigabytes_is_not_read(tmp_path: Path, seven: np.ndarray, format: str) -> None:
    path = tmp_path / "sparse"
    path.write_bytes(b"\x93NUMPY" if format == "npy" else as_file(seven, format))
    os.truncate(path, 3 << 30)
    with pytest.raises(PictureError, match=r"sparse has 3,221,225,472 bytes, but at most 268,435,456"):
        read_picture(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_pipe_without_a_writer_and_a_device_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(PictureError, match=r" is a pipe or a device, not a file\. .* give - and use stdin\."):
            read_picture(path)


@pytest.mark.parametrize("pack", [ico, icns])
def test_a_large_picture_in_an_icon_is_not_decoded(tmp_path: Path, pack: object) -> None:
    before = Image.MAX_IMAGE_PIXELS
    (tmp_path / "icon").write_bytes(pack(png(8000, 8000)))  # type: ignore[operator]
    with pytest.raises(PictureError, match=r"icon: The picture cannot be read \(Image size \(64000000 pixels\)"):
        read_picture(tmp_path / "icon")
    assert before == Image.MAX_IMAGE_PIXELS


def test_a_png_with_one_changed_bit_is_refused(tmp_path: Path, seven: np.ndarray) -> None:
    """Pillow reads a fifth of these, most with other pixels."""
    intact = as_file(seven, "PNG")
    start, end = intact.index(b"IDAT") + 4, intact.index(b"IEND") - 8
    for place in range(start, end, 7):
        damaged = bytearray(intact)
        damaged[place] ^= 1 << place % 8
        (tmp_path / "damaged.png").write_bytes(damaged)
        with pytest.raises(PictureError, match=r"damaged\.png: The PNG file is damaged: a checksum differs"):
            read_picture(tmp_path / "damaged.png")
        with pytest.raises(PictureError, match="checksum"):
            image_pixels(Image.open(io.BytesIO(damaged)))


def test_what_follows_the_end_of_a_png_is_ignored(tmp_path: Path, seven: np.ndarray) -> None:
    """Some programs append data of their own."""
    (tmp_path / "seven.png").write_bytes(as_file(seven, "PNG") + b"\0\0\0\4own data of a program")
    assert np.array_equal(read_picture(tmp_path / "seven.png"), seven)


def test_a_changed_bit_in_an_icon_is_refused(tmp_path: Path, seven: np.ndarray) -> None:
    intact = as_file(seven, "PNG")
    (tmp_path / "intact.ico").write_bytes(ico(intact, intact))
    assert np.array_equal(read_picture(tmp_path / "intact.ico")[..., :3], seven)
    damaged = bytearray(intact)
    damaged[intact.index(b"IDAT") + 9] ^= 1
    (tmp_path / "damaged.ico").write_bytes(ico(intact, bytes(damaged)))
    with pytest.raises(PictureError, match="checksum differs"):
        read_picture(tmp_path / "damaged.ico")


def test_the_pieces_of_a_file_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_runtime.preprocess.bounds.MOST_CHUNKS", 100)
    (tmp_path / "chunks.png").write_bytes(png(9, 9, bytes(90), chunk(b"teSt", b"") * 101))
    (tmp_path / "many.ico").write_bytes(ico(*[png(9, 9, bytes(90))] * 65))
    (tmp_path / "large.ico").write_bytes(ico(png(9, 9, bytes(90))) + bytes(1 << 25))
    for name, words in (("chunks.png", "more than 100 chunks"), ("many.ico", "icon"), ("large.ico", "icon")):
        with pytest.raises(PictureError, match=words):
            read_picture(tmp_path / name)
