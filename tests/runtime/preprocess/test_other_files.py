"""Files that Pillow alone cannot read."""

import io
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from mnist_runtime import BackendError, Classifier, PictureError, ToolkitError
from mnist_runtime.preprocess.decode import load_pixels, read_picture
from mnist_runtime.preprocess.other_files import heif_format, kind_of

HEIC = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf"
AVIF = b"\0\0\0\x20ftypmif1\0\0\0\0mif1avifmiafMA1B"

KINDS = {
    "empty": (b"", "is empty (0 bytes). Copy or save it again."),
    "page.pdf": (b"%PDF-1.7\n", "is a PDF document. Save its page as PNG"),
    "drawing.svg": (b'<?xml version="1.0"?>\n<svg width="9"/>', "is an SVG drawing. Export it as PNG."),
    "page.html": (b"<!DOCTYPE html><p>7</p>", "is a web page. Download the picture itself."),
    "notes.txt": ("sieben, sept, семь".encode(), "is a text file. Give a picture"),
    "long.txt": (4095 * b"x" + "ü".encode(), "is a text file. Give a picture"),
    "pointer.png": (b"version https://git-lfs.github.com/spec/v1\n", "is a placeholder of Git LFS. Get the file"),
    "film.mp4": (b"\0\0\0\x18ftypisom\0\0\2\0", "is a video. Use: mnist-runtime watch"),
    "film.mov": (b"\0\1\2\3mdat\0\0", "is a video. Use: mnist-runtime watch"),
    "film.avi": (
        b"RIFF\0\0\0\0AVI LIST",
        "is a video. Use: mnist-runtime watch --source FILE. Or save its first picture with: f",
    ),
    "film.webm": (b"\x1a\x45\xdf\xa3\1\2", "is a video. Use: mnist-runtime watch"),
    "film.mpg": (b"\0\0\1\xb3\x14\0\xf0\x13\xff\xff", "is a video. Use: mnist-runtime watch"),
    "photo.cr3": (b"\0\0\0\x18ftypcrx \0\0\0\1", "is a raw photograph of a camera. Save it as JPEG"),
    "photo.nef": (b"MM\0*\0\0\0\x08\0\0", "is a raw photograph of a camera. Save it as JPEG"),
    "PHOTO.NEF": (b"II*\0\x08\0\0\0", "is a raw photograph of a camera. Save it as JPEG"),
    "photo.raf": (b"FUJIFILMCCD-RAW 0201", "is a raw photograph of a camera. Save it as JPEG"),
    "arrays.npz": (b"PK\3\4\x14\0", "is a NumPy archive. Give one of its arrays"),
    "ARRAYS.NPZ": (b"PK\3\4\x14\0", "is a NumPy archive. Give one of its arrays"),
    "pictures.zip": (b"PK\3\4\x14\0", "is an archive or an office document. Unpack it"),
    "model.tflite": (b"\x1c\0\0\0TFL3\0\0", "is a model. Use: mnist-runtime classify --model FILE PICTURE"),
    "picture.jxl": (b"\xff\x0a\x00", "is a JPEG XL picture. Save it as PNG or JPEG."),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_file_of_another_kind_is_named(tmp_path: Path, name: str) -> None:
    content, words = KINDS[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(PictureError) as caught:
        read_picture(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name} {words}")


def test_no_picture_is_taken_for_another_kind(seven: np.ndarray) -> None:
    for format in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "PPM", "WEBP"):
        buffer = io.BytesIO()
        Image.fromarray(seven).save(buffer, format)
        assert kind_of(buffer.getvalue()[:4096]) is None, format
    assert kind_of(b"GIF89a 8 x 8") is None, "its bytes may be those of a text"


@settings(max_examples=300)
@example(b"\x93NUMPY\x01\0v\0{'descr': '|u1', 'fortran_order': False, 'shape': (999999999, 999999999), }\n")
@given(
    st.one_of(
        st.binary(max_size=200),
        st.builds(bytes.__add__, st.sampled_from([content for content, _ in KINDS.values()]), st.binary(max_size=40)),
        st.builds(bytes.__add__, st.sampled_from([HEIC[:12], AVIF, b"\x93NUMPY\x01\0"]), st.binary(max_size=80)),
    )
)
def test_any_bytes_are_a_picture_or_an_error_of_one_line(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(content)
    try:
        assert read_picture(path).dtype == np.uint8
    except PictureError as error:
        message = str(error)
        assert message.startswith(str(path))  # both outcomes are correct
        assert message.isprintable()
        assert message.endswith(".") or " Use: " in message or "such as with: " in message or ": git lfs" in message


ARRAYS = arrays.arrays(
    st.sampled_from(["u1", "<u2", ">u2", "<i4", "?", "<f4", "<f8"]),
    arrays.array_shapes(min_dims=2, max_dims=3, max_side=9),
    elements={"min_value": 0, "max_value": 1},
)


@given(ARRAYS, st.booleans())
def test_an_npy_file_gives_the_pixels_of_its_array(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, fortran: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "array.npy"
    np.save(path, np.asfortranarray(array) if fortran else array)
    assert np.array_equal(read_picture(path), load_pixels(array))


def test_an_npy_file_of_a_digit_is_classified(tmp_path: Path, seven: np.ndarray) -> None:
    np.save(tmp_path / "seven.npy", seven)
    assert Classifier.load().classify(tmp_path / "seven.npy").digit == 7


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((9, 9), -1), "range from -1 to -1"),
        (np.array([[None]]), "not with a plain array of numbers"),
        (np.zeros((9, 9), complex), "not with a plain array of numbers"),
        (np.zeros(3, [("gray", "u1")]), "not with a plain array of numbers"),
    ],
)
def test_an_npy_file_of_other_values_is_rejected(tmp_path: Path, array: np.ndarray, words: str) -> None:
    np.save(tmp_path / "array.npy", array, allow_pickle=True)
    with pytest.raises(PictureError, match=rf"array\.npy.*{words}"):
        read_picture(tmp_path / "array.npy")


def test_a_truncated_npy_file_is_rejected(tmp_path: Path, seven: np.ndarray) -> None:
    np.save(tmp_path / "seven.npy", seven)
    (tmp_path / "seven.npy").write_bytes((tmp_path / "seven.npy").read_bytes()[:-1])
    with pytest.raises(PictureError, match="Its header and its size differ"):
        read_picture(tmp_path / "seven.npy")


def test_npy_files_need_no_pillow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seven: np.ndarray) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    np.save(tmp_path / "seven.npy", seven)
    assert np.array_equal(read_picture(tmp_path / "seven.npy"), seven)
    (tmp_path / "photo.heic").write_bytes(HEIC)
    with pytest.raises(BackendError, match="needs Pillow"):
        read_picture(tmp_path / "photo.heic")
    (tmp_path / "page.pdf").write_bytes(b"%PDF-1.7")
    with pytest.raises(PictureError, match="is a PDF document"):
        read_picture(tmp_path / "page.pdf")


def test_heic_and_avif_are_told_apart() -> None:
    assert (heif_format(HEIC), heif_format(AVIF), heif_format(HEIC[:12])) == ("a HEIC", "an AVIF", "a HEIC")
    assert heif_format(b"\0\0\0\x18ftypisom\0\0\2\0isomiso2") is None


def test_a_heic_picture_without_pillow_heif_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "photo.jpg").write_bytes(HEIC)  # a wrong suffix
    words = r"photo\.jpg is a HEIC picture\. Install pillow-heif with: pip install pillow-heif\. Or save it as JPEG\.$"
    with pytest.raises(PictureError, match=words):
        read_picture(tmp_path / "photo.jpg")


def test_a_heic_picture_is_read_with_pillow_heif(tmp_path: Path, seven: np.ndarray) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.from_pillow(Image.fromarray(seven)).save(tmp_path / "seven.heic")
    assert Classifier.load().classify(tmp_path / "seven.heic").digit == 7
    (tmp_path / "half.heic").write_bytes((tmp_path / "seven.heic").read_bytes()[:300])
    with pytest.raises(PictureError, match=r"half\.heic: The picture cannot be read"):
        read_picture(tmp_path / "half.heic")


def test_pillow_heif_is_registered_only_for_heic(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seven: np.ndarray
) -> None:
    calls = []
    module = types.ModuleType("pillow_heif")
    module.register_heif_opener = lambda: calls.append("registered")
    monkeypatch.setitem(sys.modules, "pillow_heif", module)
    Image.fromarray(seven).save(tmp_path / "seven.png")
    read_picture(tmp_path / "seven.png")
    (tmp_path / "notes.txt").write_text("seven")
    with pytest.raises(PictureError):
        read_picture(tmp_path / "notes.txt")
    assert calls == []
    (tmp_path / "seven.heic").write_bytes(HEIC)
    with pytest.raises(PictureError, match=r"seven\.heic: The picture cannot be read"):
        read_picture(tmp_path / "seven.heic")
    assert calls == ["registered"]


def test_an_avif_picture_is_read_or_named(tmp_path: Path, seven: np.ndarray) -> None:
    from PIL import features

    path = tmp_path / "seven.avif"
    if "avif" in features.get_supported():
        Image.fromarray(seven).save(path)
        assert Classifier.load().classify(path).digit == 7
    path.write_bytes(AVIF)
    with pytest.raises(PictureError, match=r"seven\.avif(: The picture cannot be read| is an AVIF picture\. Update)"):
        read_picture(path)


def test_stdin_is_read(command_line: Callable[[str], list[str]], tmp_path: Path, seven: np.ndarray) -> None:
    Image.fromarray(seven).save(tmp_path / "seven.png")
    content = (tmp_path / "seven.png").read_bytes()

    def ended(content: bytes, *words: str) -> tuple[int, bytes, bytes]:
        done = subprocess.run([*command_line("mnist-runtime"), *words], input=content, capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    code, stdout, stderr = ended(content, "classify", "-")
    assert (code, stdout[:6], stderr) == (0, b"-: 7 (", b"")
    assert ended(content, "read", "-")[1].startswith(b"-: 7 (")
    assert ended(b"", "classify", "-") == (6, b"", b"error: stdin is empty (0 bytes). Copy or save it again.\n")


def test_every_error_is_a_toolkit_error() -> None:
    for name in ("\0", "\ud800.png", "x" * 10_000, "", "."):
        with pytest.raises(ToolkitError):
            read_picture(name)
