import builtins
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_runtime import BackendError, PictureError, prepare
from mnist_runtime.picture import pixels_of, read_picture


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_mode_gives_the_same_digit(tmp_path: Path, seven: np.ndarray, mode: str) -> None:
    picture = Image.fromarray(seven)
    if mode == "I;16":
        picture = Image.fromarray(seven[..., 0].astype(np.uint16) * 200)
    else:
        grey = picture.convert("L") if mode in ("I", "F", "1", "LA") else picture
        picture = grey.convert(mode, dither=Image.Dither.NONE)
    path = tmp_path / ("seven.tiff" if mode in ("F", "CMYK", "I") else "seven.png")
    picture.save(path)
    assert np.abs(prepare(read_picture(path)).astype(int) - prepare(seven)).max() <= 3


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "I", "F"])
def test_an_image_in_hand_is_read_as_from_a_file(seven: np.ndarray, mode: str) -> None:
    grey = Image.fromarray(seven).convert("L") if mode in ("I", "F", "1") else Image.fromarray(seven)
    assert (
        np.abs(prepare(pixels_of(grey.convert(mode, dither=Image.Dither.NONE))).astype(int) - prepare(seven)).max() <= 3
    )


def test_a_picture_beyond_the_limit_is_not_decoded(tmp_path: Path) -> None:
    Image.new("1", (9000, 6000)).save(tmp_path / "large.png")
    with pytest.raises(PictureError, match=r"large\.png: Expected a picture of 1 to 50,000,000 pixels"):
        read_picture(tmp_path / "large.png")


def test_a_picture_is_turned_upright(tmp_path: Path, seven: np.ndarray) -> None:
    lying = Image.fromarray(np.rot90(seven))  # turned to the left, as EXIF orientation 6 undoes
    exif = lying.getexif()
    exif[0x0112] = 6
    lying.save(tmp_path / "lying.png", exif=exif)
    assert np.array_equal(read_picture(tmp_path / "lying.png")[..., :3], seven)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"plain text"])
def test_what_is_no_picture_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no.png"
    path.write_bytes(content)
    with pytest.raises(PictureError, match=r"no\.png: Expected a picture"):
        read_picture(path)


def test_a_truncated_picture_is_told(tmp_path: Path, seven: np.ndarray) -> None:
    Image.fromarray(seven).save(tmp_path / "whole.png")
    content = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "half.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(PictureError, match=r"half\.png"):
        read_picture(tmp_path / "half.png")


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(PictureError, match="Expected a picture"):
            read_picture(path)


def test_without_pillow_the_cure_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    original = builtins.__import__

    def without_pillow(name: str, *rest: object, **more: object) -> object:
        if name == "PIL":
            raise ImportError(name)
        return original(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without_pillow)
    with pytest.raises(BackendError, match=r"pip install 'mnist-runtime\[images\]'"):
        read_picture(tmp_path / "any.png")
