import itertools
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from mnist_runtime.errors import BackendError, PictureError, UsageError
from mnist_runtime.reading.video import frames
from mnist_tools.studies.film import write_film

cv2 = pytest.importorskip("cv2")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep from stderr what OpenCV says of damage; for FFmpeg see conftest.py."""
    level = cv2.setLogLevel(0)
    yield
    cv2.setLogLevel(level)


def greys(count: int) -> list[tuple[np.ndarray, int]]:
    """Return scenes of one frame each; the brightness of each tells its number, as do the colours which is which."""
    colour = np.array([1.0, 0.5, 0.0])
    return [((np.ones((32, 48, 1)) * colour * (5 * number + 50)).astype(np.uint8), 1) for number in range(count)]


@pytest.mark.parametrize(("name", "kind"), [("film.avi", "MJPG"), ("film.mp4", "mp4v"), ("film.mkv", "MJPG")])
def test_a_file_gives_its_frames_in_rgb_with_number_and_time(tmp_path: Path, name: str, kind: str) -> None:
    film = write_film(tmp_path / name, greys(20), rate=10, kind=kind)
    found = list(frames(film, 100))
    assert [frame.number for frame in found] == list(range(20))
    assert [frame.seconds for frame in found] == pytest.approx([number / 10 for number in range(20)])
    for frame in found:
        assert (frame.pixels.shape, frame.pixels.dtype) == ((32, 48, 3), np.uint8)
        red, green, blue = frame.pixels.mean(axis=(0, 1))
        assert red == pytest.approx(5 * frame.number + 50, abs=6)
        assert green == pytest.approx(red / 2, abs=6)
        assert blue < 8


@pytest.mark.parametrize(("rate", "numbers"), [(5, range(0, 20, 2)), (4, [0, 3, 5, 8, 10, 13, 15, 18]), (0.9, [0, 12])])
def test_of_a_file_so_many_frames_a_second_are_taken(tmp_path: Path, rate: float, numbers: list[int]) -> None:
    film = write_film(tmp_path / "film.avi", greys(20), rate=10)
    assert [frame.number for frame in frames(str(film), rate)] == list(numbers)


WORDS = {
    "missing": "not there",
    "folder": "a folder",
    "empty": "could not open",
    "junk": "could not open",
    "picture": "`mnist-runtime read`",
    "cut": "30 frames in .* could be read",
    "header": "could not open",
    "name": "Unicode",
}


@pytest.mark.parametrize("kind", WORDS)
def test_what_is_no_whole_video_is_told_in_a_sentence(
    tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "film.avi"
    if kind == "folder":
        path.mkdir()
    elif kind in ("empty", "junk"):
        path.write_bytes(b"" if kind == "empty" else np.random.default_rng(0).bytes(5000))
    elif kind == "picture":
        path = tmp_path / "film.png"
        cv2.imwrite(str(path), np.zeros((40, 40, 3), np.uint8))
    elif kind in ("cut", "header"):
        content = write_film(path, greys(30)).read_bytes()
        path.write_bytes(content[: len(content) // 2 if kind == "cut" else 4096])
    elif kind == "name":
        path = tmp_path / "film\udcff\n.avi"
        path.write_bytes(b"")
    with pytest.raises(PictureError, match=f"^Expected.*{WORDS[kind]}") as told:
        list(frames(path, 10))
    assert told.value.exit_code == 6
    assert capfd.readouterr().err == ""


def test_a_damaged_frame_is_passed_over(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (120, 160, 3), np.uint8)  # some 10 kB a frame
    film = write_film(tmp_path / "film.avi", [(noise, 30)])
    content = bytearray(film.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 300] = random.bytes(300)
    film.write_bytes(content)
    assert 28 <= len(list(frames(film, 100))) <= 30


class Camera:
    """What OpenCV gives for a camera: a frame each `period` seconds, of which it keeps four for whoever is slow."""

    def __init__(
        self, last: int = 10**9, damaged: Callable[[int], bool] = lambda _: False, period: float = 0.002
    ) -> None:
        self.period = period
        self.opened, self.next, self.last, self.damaged, self.released = time.monotonic(), 0, last, damaged, False

    @property
    def newest(self) -> int:
        return int((time.monotonic() - self.opened) / self.period)

    def isOpened(self) -> bool:  # noqa: N802  # OpenCV's name
        return True

    def grab(self) -> bool:
        self.current = max(self.next, self.newest - 4)
        self.next = self.current + 1
        while self.newest < self.current:
            time.sleep(0.0005)
        return self.current < self.last

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        if self.damaged(self.current):
            return False, None
        return True, np.full((2, 2, 3), self.current, np.int64)

    def release(self) -> None:
        self.released = True


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Camera]:
    def plug(**kind: object) -> Camera:
        camera = Camera(**kind)
        monkeypatch.setattr(cv2, "VideoCapture", lambda source: camera if source == 0 else None)
        return camera

    return plug


@pytest.mark.parametrize("source", [0, "0"])
def test_of_a_camera_the_newest_frame_is_given_however_slow_the_reader(
    plug: Callable[..., Camera], source: int | str
) -> None:
    camera = plug(period=0.04)  # a busy machine may let a thread wait for some milliseconds
    pictures = frames(source, 1000)
    for _ in range(8):
        asked = camera.newest
        frame = next(pictures)
        assert frame.pixels[0, 0, 0] >= asked - 1  # the one before may be in the thread's hands
        time.sleep(0.24)  # 6 frames: a queue would fall behind, and OpenCV's own is four old
    pictures.close()
    assert camera.released


def test_a_camera_is_not_asked_more_often_than_the_rate(plug: Callable[..., Camera]) -> None:
    plug()
    some = list(itertools.islice(frames(0, 50), 5))
    assert np.diff([frame.seconds for frame in some]).min() > 0.015


def test_a_camera_that_is_pulled_out_ends_with_an_error(plug: Callable[..., Camera]) -> None:
    camera = plug(last=50)
    pictures = frames(0, 1000)
    with pytest.raises(PictureError, match="stopped after"):
        list(pictures)
    assert camera.released


@pytest.mark.parametrize("kind", [{"last": 0}, {"damaged": lambda _: True}])
def test_a_camera_that_gives_no_picture_is_told(plug: Callable[..., Camera], kind: dict[str, object]) -> None:
    plug(**kind)
    with pytest.raises(PictureError, match="it gave none; another program may hold it"):
        next(frames(0, 1000))


def test_a_damaged_picture_of_a_camera_is_passed_over(plug: Callable[..., Camera]) -> None:
    plug(damaged=lambda number: number % 2 == 0)
    assert all(frame.pixels[0, 0, 0] % 2 for frame in itertools.islice(frames(0, 1000), 5))


@pytest.mark.skipif(Path("/dev/video9").exists(), reason="there is such a camera")
@pytest.mark.parametrize("source", [9, "9", "/dev/video9", "/dev/null"])
def test_a_camera_that_is_not_there_is_told(source: int | str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PictureError, match=r"^Expected"):
        next(frames(source, 5))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_an_impossible_rate_is_refused(rate: float) -> None:
    with pytest.raises(UsageError):
        next(frames(0, rate))


def test_without_opencv_the_line_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(BackendError, match=r"pip install 'mnist-runtime\[watch\]'"):
        next(frames(0, 5))
