"""Pictures in memory and open files: the content of a file, and uploads of web frameworks."""

import gzip
import io
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mnist_runtime import BackendError, Classifier, PictureError, UsageError, annotate, read


@pytest.fixture(scope="module")
def classifier() -> Iterator[Classifier]:
    with Classifier.load() as classifier:
        yield classifier


@pytest.fixture
def path(tmp_path: Path, seven: np.ndarray) -> Path:
    Image.fromarray(seven).save(tmp_path / "seven.png")
    return tmp_path / "seven.png"


class FlaskUpload:
    """As werkzeug's FileStorage, which passes on what its stream has."""

    def __init__(self, content: bytes) -> None:
        self.stream, self.filename = io.BytesIO(content), "photo\n.png"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class FastAPIUpload:
    """As Starlette's UploadFile."""

    def __init__(self, content: bytes) -> None:
        self.file, self.filename = io.BytesIO(), "photo\n.png"
        self.file.write(content)

    async def read(self, size: int = -1) -> bytes:
        return self.file.read(size)

    async def seek(self, offset: int) -> None:
        self.file.seek(offset)


class Slow(io.RawIOBase):
    """A stream of a few bytes at a time that cannot be rewound, as from a socket."""

    def __init__(self, content: bytes) -> None:
        self.content = io.BytesIO(content)

    def readinto(self, buffer: Any) -> int:
        return self.content.readinto(memoryview(buffer)[:100])

    def readable(self) -> bool:
        return True


def opened(content: bytes) -> io.BytesIO:
    file = io.BytesIO(content)
    file.read()  # a program that has looked at it before
    return file


FORMS: list[Callable[[bytes], Any]] = [bytes, bytearray, memoryview, opened, FlaskUpload, FastAPIUpload, Slow]


@pytest.mark.parametrize("form", FORMS)
def test_content_and_open_files_are_read_as_the_file_is(
    path: Path, classifier: Classifier, form: Callable[[bytes], Any]
) -> None:
    expected = classifier.classify(path)
    assert expected.digit == 7
    assert classifier.classify(form(path.read_bytes())) == expected


def test_an_open_file_may_be_read_and_then_annotated(path: Path, classifier: Classifier) -> None:
    with path.open("rb") as file:
        found = read(file, classifier)
        assert found == read(path, classifier)
        assert np.array_equal(annotate(file, found), annotate(path, found))


def test_an_array_file_needs_no_pillow(
    seven: np.ndarray, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = io.BytesIO()
    np.save(content, seven)
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert classifier.classify(content.getvalue()).digit == 7
    with pytest.raises(BackendError, match="needs Pillow"):
        classifier.classify(b"\x89PNG\r\n\x1a\n")


def test_the_messages_are_those_of_a_file(path: Path, classifier: Classifier) -> None:
    content = path.read_bytes()
    with pytest.raises(PictureError, match=r"^The picture: The picture cannot be read"):
        classifier.classify(content[: len(content) // 2])
    with pytest.raises(
        PictureError, match=r"^The picture: .* \(it is no picture that Pillow knows\)\. Check the file\.$"
    ):
        classifier.classify(b"GIF89a")
    with pytest.raises(PictureError, match=r"^The picture is empty \(0 bytes\)\. Copy or save it again\.$"):
        classifier.classify(b"")
    with pytest.raises(PictureError, match=r"^photo\\n\.png is a PDF document\. Save its page as PNG"):
        classifier.classify(FlaskUpload(b"%PDF-1.7"))  # type: ignore[arg-type]
    path.write_bytes(content[:-20] + b"\0" + content[-19:])
    damaged = pytest.raises(PictureError, match=r"seven\.png: The PNG file is damaged: a checksum differs")
    with path.open("rb") as file, damaged:
        classifier.classify(file)


def test_no_more_is_read_than_a_file_may_have(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_runtime.preprocess.bounds.MOST_BYTES", 1 << 21)
    endless = Slow(b"")
    reads: list[int] = []

    def readinto(buffer: Any) -> int:
        reads.append(len(buffer))
        return len(buffer)

    monkeypatch.setattr(endless, "readinto", readinto)
    for picture in (endless, bytes((1 << 21) + 1)):
        with pytest.raises(PictureError, match=r"^The picture has more than 2,097,152 bytes\. Give a smaller"):
            classifier.classify(picture)
    assert sum(reads) <= 3 << 20


def test_files_that_give_no_bytes_are_refused(path: Path, classifier: Classifier, tmp_path: Path) -> None:
    with path.open() as text, (tmp_path / "new.png").open("wb") as written:
        for file in (text, io.StringIO("text"), written):
            with pytest.raises(UsageError, match=r"is not open for reading bytes\. Open it with the mode 'rb'\."):
                classifier.classify(file)  # type: ignore[arg-type]
    with path.open("rb") as closed:
        pass
    with pytest.raises(PictureError, match=r"seven\.png cannot be read \(.*closed file\)\. Check the file\."):
        classifier.classify(closed)
    upload = FastAPIUpload(b"")
    del upload.file
    with pytest.raises(UsageError, match=r"Give the bytes: await file\.read\(\)"):
        classifier.classify(upload)  # type: ignore[arg-type]


def test_memory_of_pixels_stays_an_array(classifier: Classifier, seven: np.ndarray) -> None:
    assert classifier.classify(memoryview(seven)).digit == 7


class Failing:
    """An open file whose every part raises an error of another library."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    @property
    def name(self) -> str:
        raise self.error

    def seek(self, _offset: int) -> None:
        raise self.error

    def read(self, _size: int) -> bytes:
        raise self.error


@pytest.mark.parametrize("error", [EOFError("early"), KeyError("early"), RuntimeError("early"), TimeoutError("early")])
def test_any_failure_of_an_open_file_is_one_of_the_picture(error: Exception, classifier: Classifier) -> None:
    with pytest.raises(PictureError, match=r"^The picture cannot be read \('?early'?\)\. Check the file\.$"):
        classifier.classify(Failing(error))
    with pytest.raises(PictureError, match=r"^The picture cannot be read \(EOFError\)\."):
        classifier.classify(Failing(EOFError()))


def test_files_in_archives(path: Path, classifier: Classifier) -> None:
    content = path.read_bytes()
    packed = gzip.compress(content)
    assert classifier.classify(gzip.GzipFile(fileobj=io.BytesIO(packed))).digit == 7
    with pytest.raises(PictureError, match=r"cannot be read \(Compressed file ended"):
        classifier.classify(gzip.GzipFile(fileobj=io.BytesIO(packed[:-20])))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as new:
        new.writestr("seven.png", content)
    damaged = bytearray(archive.getvalue())
    damaged[60] ^= 255
    refused = pytest.raises(PictureError, match=r"^seven\.png cannot be read \(Bad CRC-32")
    with zipfile.ZipFile(io.BytesIO(damaged)) as opened, opened.open("seven.png") as file, refused:
        classifier.classify(file)


def test_a_stream_without_bytes_yet_is_not_taken_for_an_empty_file(classifier: Classifier) -> None:
    class Waiting(io.RawIOBase):
        def readinto(self, _buffer: Any) -> None:  # type: ignore[override]
            return None

    with pytest.raises(UsageError, match="is not open for reading bytes"):
        classifier.classify(Waiting())


def test_views_with_steps_and_released_ones(path: Path, classifier: Classifier) -> None:
    content = path.read_bytes()
    spread = bytearray(2 * len(content))
    spread[::2] = content
    assert classifier.classify(memoryview(spread)[::2]).digit == 7
    released = memoryview(content)
    released.release()
    with pytest.raises(UsageError, match="memoryview"):
        classifier.classify(released)


def test_a_format_that_is_unknown_is_named_so(classifier: Classifier) -> None:
    with pytest.raises(
        PictureError, match=r"cannot be read \(it is no picture that Pillow knows\)\. Check the file\.$"
    ):
        classifier.classify(bytes(50))


@pytest.mark.parametrize("picture", [5, [1, 2, 3], np.zeros((1, 1, 1, 1, 1)), np.zeros((9, 9, 5), np.uint8)])
def test_arrays_of_other_shapes_are_refused_everywhere(picture: Any, classifier: Classifier) -> None:
    for function in (classifier.classify, lambda array: read(array, classifier), lambda array: annotate(array, [])):
        with pytest.raises(PictureError, match=r"but shape \(h, w\) or \(h, w, 1\.\.4\)"):
            function(picture)
