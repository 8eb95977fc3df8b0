import itertools
import time
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

from mnist_runtime import Classifier
from mnist_runtime.errors import PictureError, UsageError
from mnist_runtime.reading.page import read
from mnist_runtime.reading.video import Frame
from mnist_runtime.reading.watch import Observation, lasting_frames, watch
from mnist_tools.rendering.film import page_of, write_film


@pytest.fixture(scope="module")
def pages(legible: object) -> dict[str, np.ndarray]:
    """Return a page for each sequence of digits in the tests."""
    first = {digit: legible.images[legible.labels == digit][0] for digit in range(10)}
    return {text: page_of([first[int(digit)] for digit in text], (120, 160)) for text in ("", "3", "7", "72", "1")}


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


def observed(film: list[np.ndarray], classifier: Classifier, steady: int = 3) -> list[tuple[int, str]]:
    """Return the frame and the digits of each observation in a film of one frame per second."""
    found = watch([Frame(float(at), at, page) for at, page in enumerate(film)], classifier, steady=steady)
    return [(observation.frame, digits_of(observation)) for observation in found]


def digits_of(observation: Observation) -> str:
    return "".join(str(reading.prediction.digit) for reading in observation.readings)


def film(pages: dict[str, np.ndarray], *scenes: str) -> list[np.ndarray]:
    return [pages[scene] for scene in scenes]


def test_each_change_is_reported_once(pages: dict[str, np.ndarray], classifier: Classifier) -> None:
    scenes = film(pages, *[""] * 4, *["3"] * 8, *["7"] * 5, *[""] * 5, *["72"] * 5)
    assert observed(scenes, classifier) == [(6, "3"), (14, "7"), (19, ""), (24, "72")]


def test_single_frames_are_not_a_change(pages: dict[str, np.ndarray], classifier: Classifier) -> None:
    assert observed(film(pages, *["3"] * 4, "", *["3"] * 4, "7", "7", *["3"] * 6), classifier) == [(2, "3")]
    assert observed(film(pages, "", "3", "", "3", "", "7", "", "7", ""), classifier) == []
    assert observed(film(pages, "3", "", "3", "1", "3"), classifier) == [(4, "3")]
    assert observed(film(pages, "", "3", "", "", "3"), classifier, steady=2) == []


def test_with_steady_1_each_change_is_reported_at_once(pages: dict[str, np.ndarray], classifier: Classifier) -> None:
    scenes = film(pages, "", "3", "", "7", "7", "1")
    assert observed(scenes, classifier, steady=1) == [(1, "3"), (2, ""), (3, "7"), (5, "1")]


def test_an_observation_has_the_readings_of_its_frame(pages: dict[str, np.ndarray], classifier: Classifier) -> None:
    (found,) = watch([Frame(at / 2, 10 + at, pages["72"]) for at in range(3)], classifier)
    assert found == Observation(1.0, 12, read(pages["72"], classifier), pages["72"])
    assert found.pixels is pages["72"]


def test_an_endless_source_is_read_frame_by_frame(pages: dict[str, np.ndarray]) -> None:
    endless = (Frame(float(at), at, pages["3"]) for at in itertools.count())
    assert digits_of(next(watch(endless))) == "3"


def test_a_video_file_is_watched(pages: dict[str, np.ndarray], classifier: Classifier, tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    path = write_film(tmp_path / "film.avi", [(pages["3"], 10), (pages[""], 10)])
    assert [(found.frame, digits_of(found)) for found in watch(path, classifier)] == [(4, "3"), (14, "")]
    assert [found.frame for found in watch(str(path), classifier, rate=10, steady=2)] == [1, 11]


def test_steady_below_1_is_rejected(classifier: Classifier) -> None:
    with pytest.raises(UsageError, match=r"`steady` is 0, but at least one frame must agree\."):
        next(watch([], classifier, steady=0))


def test_a_lost_camera_is_opened_again_and_time_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    blank = np.zeros((9, 9), np.uint8)
    lives = iter([2, 0, 0, 3])
    slept: list[float] = []

    def open_frames(_source: object, _rate: float) -> Generator[Frame, None, None]:
        for number in range(next(lives)):
            yield Frame(float(number), number, blank)
        raise PictureError("No more pictures came from camera 0. Check its cable.")

    found = lasting_frames(0, open_frames=open_frames, sleep=slept.append)
    frames = list(itertools.islice(found, 5))
    assert [frame.number for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.seconds for frame in frames[:2]] == [0, 1]
    assert slept == [1, 2, 4]
    told = capsys.readouterr().err.splitlines()
    assert [line.startswith("note: ") for line in told] == [True, True]
    assert "It is opened again" in told[0]
    assert "is back" in told[1]


@pytest.mark.parametrize("source", [0, "0", "/dev/null"])
def test_the_waits_for_a_lost_camera_double_up_to_a_minute_and_begin_again(
    source: int | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last one stands for the device of a camera."""
    lives, slept = iter([1, *[0] * 7, 1, 1]), list[float]()
    monkeypatch.setattr(time, "monotonic", lambda: sum(slept))

    def open_frames(_source: object, _rate: float) -> Generator[Frame, None, None]:
        for number in range(next(lives)):
            yield Frame(float(number), number, np.zeros((9, 9), np.uint8))
        raise PictureError("No more pictures came.")

    found = lasting_frames(source, open_frames=open_frames, sleep=slept.append)
    assert [(frame.number, frame.seconds) for frame in itertools.islice(found, 3)] == [(0, 0), (1, 183), (2, 184)]
    assert slept == [1, 2, 4, 8, 16, 32, 60, 60, 1]


def test_a_camera_that_never_had_a_picture_and_a_file_are_not_opened_again() -> None:
    opened: list[object] = []

    def open_frames(source: object, _rate: float) -> Generator[Frame, None, None]:
        opened.append(source)
        if source == "film.avi":
            yield Frame(0.0, 0, np.zeros((9, 9), np.uint8))
        raise PictureError("No picture came.")

    for source in (0, "film.avi"):
        with pytest.raises(PictureError):
            list(lasting_frames(source, open_frames=open_frames))
    assert opened == [0, "film.avi"]
