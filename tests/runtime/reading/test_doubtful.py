"""Pictures with a doubtful answer are kept, and nothing else."""

import errno
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_runtime import Classifier, DoubtfulPictures, OutputError, Prediction, UsageError, prepare, read
from mnist_runtime.artifact.task import Task
from mnist_runtime.reading.page import Reading

Run = Callable[..., object]

SURE, DOUBTFUL = Prediction(7, 0.99, ((7, 0.99),)), Prediction(7, 0.5, ((7, 0.5),))


@pytest.fixture
def page() -> np.ndarray:
    pixels = np.full((120, 200, 3), 230, np.uint8)
    pixels[30:90, 40:46] = pixels[32:92, 150:156] = 20
    return pixels


@pytest.mark.parametrize(
    ("prediction", "is_kept"),
    [
        (SURE, False),
        (Prediction(7, 0.9, ((7, 0.9),)), False),
        (DOUBTFUL, True),
        (Prediction(None, 0.4, ((3, 0.4),), "unsure"), True),
        (Prediction(None, 0.95, ((3, 0.95),), "unsure"), True),
        (Prediction(None, reason="blank", marks=0), False),
        (Prediction(None, 0.5, ((8, 0.5),), "scribble"), False),
        (Prediction(None, reason="several", marks=3), False),
    ],
)
def test_only_doubtful_answers_are_kept(prediction: Prediction, is_kept: bool, tmp_path: Path) -> None:
    kept = DoubtfulPictures(tmp_path).keep(np.full((9, 9), 7, np.uint8), prediction)
    assert (kept is not None) == is_kept
    assert len(list(tmp_path.iterdir())) == is_kept


def test_a_sure_answer_that_is_doubtful_for_another_reason_is_kept(tmp_path: Path) -> None:
    assert DoubtfulPictures(tmp_path).keep(np.full((9, 9), 7, np.uint8), SURE, in_any_case=True) is not None


def test_two_pictures_of_one_moment_have_two_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_764_000_000_123_456_789)
    kept = DoubtfulPictures(tmp_path)
    paths = [kept.keep(np.full((9, 9), 7, np.uint8), DOUBTFUL) for _ in range(2)]
    assert [path and path.name for path in paths] == [
        "20251124T160000.123456Z_7_0.50.png",
        "20251124T160000.123457Z_7_0.50.png",
    ]


def test_an_empty_alpha_channel_is_left_out(tmp_path: Path) -> None:
    """It would make the whole picture invisible."""
    frame = np.full((9, 9, 4), 70, np.uint8)
    frame[..., 3] = 0
    path = DoubtfulPictures(tmp_path).keep(frame, DOUBTFUL)
    assert path is not None
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), frame[..., :3])


def test_the_margin_ends_at_the_sides_of_the_picture(tmp_path: Path) -> None:
    (path,) = DoubtfulPictures(tmp_path).keep_readings(
        np.full((70, 20), 7, np.uint8), [Reading((2, 3, 8, 63), DOUBTFUL)]
    )
    with Image.open(path) as image:
        assert image.size == (20, 70)


@pytest.mark.parametrize("shape", [(30, 20), (30, 20, 1), (30, 20, 2), (30, 20, 3), (30, 20, 4)])
def test_the_file_holds_the_same_pixels(shape: tuple[int, ...], tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(1, 256, shape, np.uint8)
    path = DoubtfulPictures(tmp_path / "new" / "folder").keep(pixels, DOUBTFUL)
    assert path is not None
    assert re.fullmatch(r"\d{8}T\d{6}\.\d{6}Z_7_0\.50\.png", path.name)
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), pixels[..., 0] if shape[2:] == (1,) else pixels)


def test_a_full_disk_is_an_error_or_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = np.zeros((9, 9), np.uint8)
    going_on = DoubtfulPictures(tmp_path, go_on=True)
    with monkeypatch.context() as patched:
        patched.setattr(Image.Image, "save", full_disk)
        with pytest.raises(OutputError, match="No space left"):
            DoubtfulPictures(tmp_path).keep(pixels, DOUBTFUL)
        assert [going_on.keep(pixels, DOUBTFUL) for _ in range(3)] == [None] * 3
    assert capsys.readouterr().err.count("A doubtful picture is left out") == 1
    assert going_on.keep(pixels, DOUBTFUL) is not None
    with monkeypatch.context() as patched:
        patched.setattr(Image.Image, "save", full_disk)
        assert going_on.keep(pixels, DOUBTFUL) is None
    assert capsys.readouterr().err.count("A doubtful picture is left out") == 1, "each outage is told"


def full_disk(image: Image.Image, path: Path) -> None:
    path.write_bytes(b"half a picture")
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_folder_is_told_at_the_start(here: Run, page: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    for number in range(1000):
        (tmp_path / "kept" / f"{number}.png").touch()
    Image.fromarray(page[:, :100]).save(tmp_path / "one.png")
    words = ("classify", tmp_path / "one.png", "--doubtful-below", 1, "--keep-doubtful", tmp_path / "kept")
    done = here("mnist-runtime", *words)
    assert done.stderr == f"note: {tmp_path / 'kept'} is full. No pictures are kept until you move some away.\n"
    (tmp_path / "kept" / "7.png").unlink()
    assert here("mnist-runtime", *words).stderr == ""
    assert len(list((tmp_path / "kept").iterdir())) == 1000


def test_a_full_folder_keeps_no_more_until_a_picture_is_moved_away(tmp_path: Path) -> None:
    pixels = np.zeros((9, 9), np.uint8)
    first = DoubtfulPictures(tmp_path, most=2)
    assert first.keep(pixels, DOUBTFUL)
    second = DoubtfulPictures(tmp_path, most=2)
    assert second.keep(pixels, DOUBTFUL)
    assert second.is_full
    assert second.keep(pixels, DOUBTFUL) is None
    kept = list(tmp_path.iterdir())
    assert len(kept) == 2
    kept[0].unlink()
    assert not second.is_full
    assert second.keep(pixels, DOUBTFUL)
    assert second.keep(pixels, DOUBTFUL) is None


def test_doubtful_readings_are_cut_out_with_a_margin_and_read_the_same(page: np.ndarray, tmp_path: Path) -> None:
    readings = read(page)
    paths = DoubtfulPictures(tmp_path, below=1).keep_readings(page, readings)
    assert len(paths) == 2
    for path, reading in zip(paths, readings, strict=True):
        left, top, right, bottom = reading.box
        with Image.open(path) as image:
            assert (image.width, image.height) == (right - left + 36, bottom - top + 36)
            assert np.array_equal(prepare(np.asarray(image)), prepare(page[:, left - 40 : right + 40]))


@pytest.mark.parametrize(
    ("label", "part"),
    [("N", "N"), ("../up", "..-up"), ("a b/c:d", "a-b-c-d"), ("größe", "größe"), ("数" * 100, "数" * 33)],
)
def test_a_file_is_named_after_its_label(tmp_path: Path, label: str, part: str) -> None:
    prediction = Prediction.of(np.array([0.4, 0.6]), 0, Task(labels=("other", label)))
    path = DoubtfulPictures(tmp_path).keep(np.zeros((9, 9), np.uint8), prediction)
    assert path is not None
    assert path.parent == tmp_path
    assert path.name.split("Z_")[1] == f"{part}_0.60.png"


def test_wrong_arguments_are_refused(tmp_path: Path) -> None:
    for below in (0, 1.1, float("nan")):
        with pytest.raises(UsageError, match="above 0 and at most 1"):
            DoubtfulPictures(tmp_path, below=below)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="Choose another"):
        DoubtfulPictures(tmp_path / "file")


def test_classify_and_read_keep_doubtful_pictures(run: Run, page: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(page).save(tmp_path / "page.png")
    Image.fromarray(page[:, :100]).save(tmp_path / "one.png")
    done = run("mnist-runtime", "classify", "--doubtful-below", 0.5, tmp_path / "one.png")
    assert (done.returncode, done.stderr) == (2, "error: --doubtful-below needs --keep-doubtful DIR.\n")
    keep = ("--doubtful-below", 1, "--keep-doubtful")
    done = run("mnist-runtime", "classify", tmp_path / "one.png", *keep, tmp_path / "whole")
    assert done.returncode == 0, done.stderr
    (whole,) = (tmp_path / "whole").iterdir()
    with Image.open(whole) as image:
        assert np.array_equal(np.asarray(image), page[:, :100])
    assert Classifier.load().classify(whole).digit == 1
    done = run("mnist-runtime", "read", tmp_path / "page.png", "--json", *keep, tmp_path / "cut")
    assert len(json.loads(done.stdout)["results"][0]["readings"]) == len(list((tmp_path / "cut").iterdir())) == 2
    done = run("mnist-runtime", "classify", tmp_path / "one.png", "--keep-doubtful", tmp_path / "one.png")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Choose another one" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="/proc exists, but takes no files")
@pytest.mark.parametrize("words", [("classify",), ("classify", "--json"), ("read",), ("read", "--json")])
def test_an_answer_is_printed_even_if_its_picture_cannot_be_kept(
    here: Run, page: np.ndarray, tmp_path: Path, words: tuple[str, ...]
) -> None:
    paths = [tmp_path / "one.png", tmp_path / "other.png"]
    for path in paths:
        Image.fromarray(page[:, :100]).save(path)
    done = here("mnist-runtime", *words, *paths, "--doubtful-below", 1, "--keep-doubtful", "/proc")
    assert done.returncode == 2
    assert all(str(path) in done.stdout for path in paths)
    assert done.stderr.count("error: Cannot write into /proc") == 2


@pytest.mark.parametrize(
    "words", ["classify {} --keep-doubtful", "watch --source {} --csv", "serve --host 0.0.0.0 --label", "label"]
)
def test_an_empty_path_is_refused(here: Run, tmp_path: Path, words: str) -> None:
    done = here("mnist-runtime", *words.format(tmp_path / "one.png").split(), "")
    assert (done.returncode, "the path is empty. Give a file or a folder" in done.stderr) == (2, True)
