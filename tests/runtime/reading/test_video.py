import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from mnist_runtime.errors import BackendError, PictureError, UsageError
from mnist_runtime.reading.video import frames
from mnist_tools.rendering.film import write_film

cv2 = pytest.importorskip("cv2")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep OpenCV's messages about damage off stderr; conftest.py does so for FFmpeg."""
    logging = getattr(cv2.utils, "logging", cv2)  # since OpenCV 5, else in `cv2` itself
    level = logging.getLogLevel()
    logging.setLogLevel(0)
    yield
    logging.setLogLevel(level)


def numbered(count: int) -> list[tuple[np.ndarray, int]]:
    """Return scenes of one frame each. The brightness encodes the frame's number; red, green and blue differ."""
    color = np.array([1.0, 0.5, 0.0])
    return [((np.ones((32, 48, 1)) * color * (5 * number + 50)).astype(np.uint8), 1) for number in range(count)]


@pytest.mark.parametrize(("name", "kind"), [("film.avi", "MJPG"), ("film.mp4", "mp4v"), ("film.mkv", "MJPG")])
def test_a_file_has_frames_in_rgb_with_number_and_time(tmp_path: Path, name: str, kind: str) -> None:
    film = write_film(tmp_path / name, numbered(20), rate=10, kind=kind)
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
def test_the_rate_limits_the_frames_of_a_file(tmp_path: Path, rate: float, numbers: list[int]) -> None:
    film = write_film(tmp_path / "film.avi", numbered(20), rate=10)
    assert [frame.number for frame in frames(str(film), rate)] == list(numbers)


MESSAGES = {
    "missing": "does not exist",
    "folder": "is a folder",
    "empty": r"is empty \(0 bytes\)\. Copy or save it again",
    "pdf": r"is a PDF document\. Save its page as PNG",
    "heic": r"is a HEIC picture\. Use: mnist-runtime read FILE",
    "junk": "OpenCV cannot open",
    "picture": "is a single picture, not a video",
    "cut": "has 30 frames, but only .* could be read",
    "header": "OpenCV cannot open",
    "name": "is not valid Unicode",
}


@pytest.mark.parametrize("kind", MESSAGES)
def test_files_that_are_not_complete_videos_are_rejected(
    tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "film.avi"
    if kind == "folder":
        path.mkdir()
    elif kind in ("empty", "junk"):
        path.write_bytes(b"" if kind == "empty" else np.random.default_rng(0).bytes(5000))
    elif kind in ("pdf", "heic"):
        path.write_bytes(b"%PDF-1.7\n" if kind == "pdf" else b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    elif kind == "picture":
        path = tmp_path / "film.png"
        cv2.imwrite(str(path), np.zeros((40, 40, 3), np.uint8))
    elif kind in ("cut", "header"):
        content = write_film(path, numbered(30)).read_bytes()
        path.write_bytes(content[: len(content) // 2 if kind == "cut" else 4096])
    elif kind == "name":
        path = tmp_path / "film\udcff\n.avi"
        path.write_bytes(b"")
    with pytest.raises(PictureError, match=MESSAGES[kind]) as caught:
        list(frames(path, 10))
    assert caught.value.exit_code == 6
    assert capfd.readouterr().err == ""


def test_a_damaged_frame_is_skipped(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (120, 160, 3), np.uint8)  # about 10 kB per frame
    film = write_film(tmp_path / "film.avi", [(noise, 30)])
    content = bytearray(film.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 300] = random.bytes(300)
    film.write_bytes(content)
    assert 28 <= len(list(frames(film, 100))) <= 30


class Camera:
    """A camera as in OpenCV: a new frame every `period` seconds, of which it queues four for slow readers."""

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

    def get(self, _: int) -> float:
        return 2.0

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


@pytest.mark.long
def test_a_slow_reader_gets_the_newest_frame_of_a_camera(plug: Callable[..., Camera]) -> None:
    camera = plug(period=0.04)  # threads of a busy machine may wait for some milliseconds
    pictures = frames(0, 1000)
    for _ in range(8):
        newest = camera.newest
        frame = next(pictures)
        assert frame.pixels[0, 0, 0] >= newest - 1  # the thread may already have the one before
        time.sleep(0.24)  # 6 frames: OpenCV's queue would be four frames behind
    pictures.close()
    assert camera.released


@pytest.mark.parametrize("source", [0, "0"])
def test_the_rate_limits_the_frames_of_a_camera(plug: Callable[..., Camera], source: int | str) -> None:
    plug()
    started = time.monotonic()
    assert len(list(itertools.islice(frames(source, 50), 5))) == 5
    assert time.monotonic() - started >= 4 / 50


def test_an_unplugged_camera_raises_an_error(plug: Callable[..., Camera]) -> None:
    camera = plug(last=50)
    pictures = frames(0, 1000)
    with pytest.raises(PictureError, match=r"No more pictures came from camera 0 after"):
        list(pictures)
    assert camera.released


@pytest.mark.parametrize("kind", [{"last": 0}, {"damaged": lambda _: True}])
def test_a_camera_without_pictures_raises_an_error(plug: Callable[..., Camera], kind: dict[str, object]) -> None:
    plug(**kind)
    with pytest.raises(PictureError, match=r"No picture came from camera 0\. Close other programs"):
        next(frames(0, 1000))


def test_a_damaged_frame_of_a_camera_is_skipped(plug: Callable[..., Camera]) -> None:
    plug(damaged=lambda number: number % 2 == 0)
    assert all(frame.pixels[0, 0, 0] % 2 for frame in itertools.islice(frames(0, 1000), 5))


@pytest.mark.skipif(Path("/dev/video9").exists(), reason="there is such a camera")
@pytest.mark.parametrize("source", [9, "9", "/dev/video9", "/dev/null"])
def test_a_missing_camera_raises_an_error(source: int | str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PictureError, match=r"OpenCV cannot open|does not exist|No picture came from"):
        next(frames(source, 5))
    assert capfd.readouterr().err == ""


LEAVES = """
import contextlib, os, pty, signal, sys, time, tty
import cv2, numpy as np
from mnist_runtime.reading import video
from mnist_runtime.system.command import run_command

video.PATIENCE = 0.1
picture = cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 255, (240, 320, 3)).astype("u1"))[1].tobytes()
master, device = pty.openpty()
tty.setraw(device)
if os.fork() == 0:  # the camera: many pictures, none while the program is stopped, and more when Python ends
    for descriptor in (0, 1, 2, device):
        os.close(descriptor)
    with contextlib.suppress(OSError):  # the program has ended
        for count in (6_000_000 // len(picture), 50):
            for _ in range(count):
                left = memoryview(picture)
                while left:
                    left = left[os.write(master, left[:4096]):]
            time.sleep(2)
    os._exit(0)
os.close(master)

class SlowEnd:
    def __del__(self):
        for _ in range(150):
            time.sleep(0.02)

sys.modules["slow end"] = SlowEnd()

def watch():
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    signal.setitimer(signal.ITIMER_REAL, 1.5)
    for frame in video.frames(os.ttyname(device), 50):
        print(frame.number)

run_command(watch)
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="needs a terminal as camera")
def test_a_camera_that_answers_when_the_program_has_ended_does_not_abort_it() -> None:
    words = [sys.executable, "-c", LEAVES]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (143, "")
    assert done.stdout.startswith("0\n")


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_is_not_above_0_is_rejected(rate: float) -> None:
    with pytest.raises(UsageError, match="must be a finite number above 0"):
        next(frames(0, rate))


def test_without_opencv_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(BackendError, match=r"pip install 'opencv-python-headless>="):
        next(frames(0, 5))
