import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_runtime import BackendError, PictureError, prepare
from mnist_runtime.preprocess.decode import image_pixels, read_picture


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_a_file_of_any_mode_gives_the_same_digit(tmp_path: Path, seven: np.ndarray, mode: str) -> None:
    picture = Image.fromarray(seven)
    if mode == "I;16":
        picture = Image.fromarray(seven[..., 0].astype(np.uint16) * 200)
    else:
        gray = picture.convert("L") if mode in ("I", "F", "1", "LA") else picture
        picture = gray.convert(mode, dither=Image.Dither.NONE)
    path = tmp_path / ("seven.tiff" if mode in ("F", "CMYK", "I") else "seven.png")
    picture.save(path)
    assert np.abs(prepare(read_picture(path)).astype(int) - prepare(seven)).max() <= 3


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "I", "F"])
def test_a_pillow_image_of_any_mode_gives_the_same_digit(seven: np.ndarray, mode: str) -> None:
    gray = Image.fromarray(seven).convert("L") if mode in ("I", "F", "1") else Image.fromarray(seven)
    pixels = image_pixels(gray.convert(mode, dither=Image.Dither.NONE))
    assert np.abs(prepare(pixels).astype(int) - prepare(seven)).max() <= 3


def test_too_large_a_picture_is_not_decoded(tmp_path: Path) -> None:
    Image.new("1", (9000, 6000)).save(tmp_path / "large.png")
    with pytest.raises(PictureError, match=r"large\.png: The picture has 9000 x 6000 pixels, but 1 to 50,000,000"):
        read_picture(tmp_path / "large.png")


def test_a_picture_is_rotated_by_its_exif_orientation(tmp_path: Path, seven: np.ndarray) -> None:
    rotated = Image.fromarray(np.rot90(seven))  # to the left, which orientation 6 reverses
    exif = rotated.getexif()
    exif[0x0112] = 6
    rotated.save(tmp_path / "rotated.png", exif=exif)
    assert np.array_equal(read_picture(tmp_path / "rotated.png")[..., :3], seven)


@pytest.mark.parametrize("content", [b"GIF89a", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"\0" * 40])
def test_a_file_that_is_not_a_picture_is_rejected(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no.png"
    path.write_bytes(content)
    with pytest.raises(PictureError, match=r"no\.png: The (?:picture cannot be read|PNG file is damaged)"):
        read_picture(path)


def test_a_truncated_picture_is_rejected(tmp_path: Path, seven: np.ndarray) -> None:
    Image.fromarray(seven).save(tmp_path / "whole.png")
    content = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "half.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(PictureError, match=r"half\.png"):
        read_picture(tmp_path / "half.png")


def test_a_missing_file_and_a_folder_are_rejected(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none.png", "does not exist"), (tmp_path, "is a folder. Give the pictures in it")):
        with pytest.raises(PictureError, match=words):
            read_picture(path)


def test_without_pillow_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    (tmp_path / "any.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(BackendError, match=r"pip install 'pillow>="):
        read_picture(tmp_path / "any.png")


def test_postscript_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow passes EPS files to Ghostscript; this test provides one that leaves a trace."""
    ghostscript = tmp_path / "gs"
    ghostscript.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    ghostscript.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None, raising=False)
    program = tmp_path / "program.png"
    program.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    with pytest.raises(PictureError, match="EPS files hold a program, not pixels"):
        read_picture(program)
    assert not (tmp_path / "ran").exists()
    with suppress(OSError), Image.open(program) as picture:
        picture.load()
    assert (tmp_path / "ran").exists()  # so Pillow alone does run it


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_not_finite_are_rejected(value: float) -> None:
    values = np.zeros((28, 28), np.float32)
    values[3, 3] = value
    with pytest.raises(PictureError, match="Convert them to finite numbers"):
        image_pixels(Image.fromarray(values))


def test_16_bit_pixels_are_scaled_by_their_own_range_also_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = np.random.default_rng(0).integers(3, 60_000, (97, 31)).astype(np.uint16)
    deep[0, 0], deep[-1, -1] = 3, 60_000
    whole = image_pixels(Image.fromarray(deep))
    assert np.array_equal(whole, np.rint((deep.astype(float) - 3) * (255 / 59_997)).astype(np.uint8))
    monkeypatch.setattr("mnist_runtime.preprocess.pixels.PIECE", 100)
    assert np.array_equal(image_pixels(Image.fromarray(deep)), whole)


def test_only_transparent_pictures_have_an_alpha_channel(seven: np.ndarray) -> None:
    opaque, gray = Image.fromarray(seven), Image.fromarray(seven).convert("L")
    assert image_pixels(opaque).shape == (*seven.shape[:2], 3)
    assert image_pixels(gray).shape == seven.shape[:2]
    opaque.info["transparency"] = (250, 250, 250)  # one transparent color, as in a PNG
    assert set(image_pixels(opaque)[..., 3].ravel().tolist()) == {0, 255}


def test_gray_with_alpha_keeps_its_alpha(seven: np.ndarray) -> None:
    """Its brightness alone is a black square."""
    alpha = Image.fromarray(255 - seven[..., 0])
    pixels = image_pixels(Image.merge("LA", (Image.new("L", alpha.size), alpha)))
    assert np.array_equal(pixels[..., 3], np.asarray(alpha))
    assert np.abs(prepare(pixels).astype(int) - prepare(seven)).max() <= 3


def test_a_pillow_image_that_cannot_be_decoded_is_rejected(tmp_path: Path, seven: np.ndarray) -> None:
    Image.fromarray(seven).save(tmp_path / "whole.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "whole.png").read_bytes()[:100])
    with Image.open(tmp_path / "half.png") as picture, pytest.raises(PictureError, match="The picture cannot be read"):
        image_pixels(picture)
    with pytest.raises(PictureError, match="The picture has 0 x 9 pixels"):
        image_pixels(Image.new("L", (0, 9)))


def test_threads_do_not_change_the_warning_filters(tmp_path: Path, seven: np.ndarray) -> None:
    Image.fromarray(seven).save(tmp_path / "seven.png")
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(read_picture, [tmp_path / "seven.png"] * 200))
    assert all(np.array_equal(pixels, seven) for pixels in read)
    assert warnings.filters == before


def test_a_jpeg_with_a_thousand_scans_is_rejected(tmp_path: Path, seven: np.ndarray) -> None:
    path = tmp_path / "seven.jpg"
    Image.fromarray(seven).save(path, progressive=True)
    assert np.abs(prepare(read_picture(path)).astype(int) - prepare(seven)).max() < 40
    content = path.read_bytes()
    last = content.rfind(b"\xff\xda")
    path.write_bytes(content[:last] + content[last:-2] * 1001 + content[-2:])
    with pytest.raises(PictureError, match=r"The JPEG file has 1\d\d\d scans, but at most 1000 are allowed"):
        read_picture(path)


def test_a_screenshot_whose_alpha_is_0_everywhere_is_read(tmp_path: Path, seven: np.ndarray) -> None:
    screenshot = np.dstack([seven, np.zeros(seven.shape[:2], np.uint8)])
    Image.fromarray(screenshot).save(tmp_path / "screenshot.png")
    assert np.array_equal(prepare(read_picture(tmp_path / "screenshot.png")), prepare(seven))
