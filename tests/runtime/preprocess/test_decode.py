import builtins
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_runtime import BackendError, PictureError, prepare
from mnist_runtime.preprocess.decode import image_pixels, read_picture


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
        np.abs(prepare(image_pixels(grey.convert(mode, dither=Image.Dither.NONE))).astype(int) - prepare(seven)).max()
        <= 3
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


def test_a_program_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow would have Ghostscript run it, if there is one; here there is."""
    ghostscript = tmp_path / "gs"
    ghostscript.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    ghostscript.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None, raising=False)
    program = tmp_path / "program.png"
    program.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    with pytest.raises(PictureError, match="received EPS, which is a program"):
        read_picture(program)
    assert not (tmp_path / "ran").exists()
    with suppress(OSError), Image.open(program) as picture:
        picture.load()
    assert (tmp_path / "ran").exists()  # so it would have been


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_no_numbers_are_told(value: float) -> None:
    values = np.zeros((28, 28), np.float32)
    values[3, 3] = value
    with pytest.raises(PictureError, match="Expected finite pixels, received"):
        image_pixels(Image.fromarray(values))


def test_deep_pixels_are_brought_to_their_own_range_also_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = np.random.default_rng(0).integers(3, 60_000, (97, 31)).astype(np.uint16)
    deep[0, 0], deep[-1, -1] = 3, 60_000
    whole = image_pixels(Image.fromarray(deep))
    assert np.array_equal(whole, np.rint((deep.astype(float) - 3) * (255 / 59_997)).astype(np.uint8))
    monkeypatch.setattr("mnist_runtime.preprocess.decode.PIECE", 100)
    assert np.array_equal(image_pixels(Image.fromarray(deep)), whole)


def test_transparency_is_kept_and_its_absence_too(seven: np.ndarray) -> None:
    opaque, grey = Image.fromarray(seven), Image.fromarray(seven).convert("L")
    assert image_pixels(opaque).shape == (*seven.shape[:2], 3)
    assert image_pixels(grey).shape == seven.shape[:2]
    opaque.info["transparency"] = (250, 250, 250)  # as a PNG names one colour
    assert set(image_pixels(opaque)[..., 3].ravel().tolist()) == {0, 255}


def test_an_image_in_hand_that_cannot_be_decoded_is_told(tmp_path: Path, seven: np.ndarray) -> None:
    Image.fromarray(seven).save(tmp_path / "whole.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "whole.png").read_bytes()[:100])
    with Image.open(tmp_path / "half.png") as picture, pytest.raises(PictureError, match="Expected a picture, could"):
        image_pixels(picture)
    with pytest.raises(PictureError, match=r"received 0 x 9"):
        image_pixels(Image.new("L", (0, 9)))


def test_threads_leave_the_filters_of_warnings_as_they_were(tmp_path: Path, seven: np.ndarray) -> None:
    import warnings
    from concurrent.futures import ThreadPoolExecutor

    Image.fromarray(seven).save(tmp_path / "seven.png")
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(read_picture, [tmp_path / "seven.png"] * 200))
    assert all(np.array_equal(pixels, seven) for pixels in read)
    assert warnings.filters == before


def test_a_progressive_jpeg_is_read_and_one_of_endless_scans_is_not(tmp_path: Path, seven: np.ndarray) -> None:
    path = tmp_path / "seven.jpg"
    Image.fromarray(seven).save(path, progressive=True)
    assert np.abs(prepare(read_picture(path)).astype(int) - prepare(seven)).max() < 40
    content = path.read_bytes()
    last = content.rfind(b"\xff\xda")
    path.write_bytes(content[:last] + content[last:-2] * 1001 + content[-2:])
    with pytest.raises(PictureError, match=r"Expected a JPEG of at most 1000 scans, received 1\d\d\d"):
        read_picture(path)
