"""Videos and pipes that are damaged, endless or no videos at all."""

import math
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_runtime.errors import PictureError
from mnist_runtime.reading import opencv, video
from mnist_runtime.reading.video import frames
from mnist_tools.rendering.film import write_film

cv2 = pytest.importorskip("cv2")

NOISE = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_film(tmp_path / "film.mkv", [(NOISE, 40)])


def test_the_time_goes_on_where_two_streams_are_joined(tmp_path: Path) -> None:
    once = write_film(tmp_path / "once.ts", [(NOISE, 40)], kind="mp4v").read_bytes()
    (tmp_path / "twice.ts").write_bytes(once + once)
    found = list(frames(tmp_path / "twice.ts", 5))
    assert [frame.number for frame in found] == list(range(0, 80, 2))
    assert [frame.seconds for frame in found] == pytest.approx([number / 10 for number in range(0, 80, 2)])


@pytest.mark.parametrize("name", ["list.m3u8", "list.ffconcat", "film.avi", "behind.mpd"])
def test_a_playlist_opens_no_other_file(tmp_path: Path, name: str) -> None:
    other = write_film(tmp_path / "other.avi", [(NOISE, 9)])
    texts = {
        ".m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:4,\n{other}\n#EXT-X-ENDLIST\n",
        ".ffconcat": "ffconcat version 1.0\nfile other.avi\n",
        ".avi": "ffconcat version 1.0\nfile other.avi\n",
        ".mpd": f"\0\0\0<MPD><Period><AdaptationSet><BaseURL>{other}</BaseURL></AdaptationSet></Period></MPD>",
    }
    path = tmp_path / name
    path.write_text(texts[path.suffix])
    with pytest.raises(PictureError, match=r"playlist\. Give a video file|has an unknown format"):
        list(frames(path, 5))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
@pytest.mark.parametrize(
    "beginning", ["#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:4,\n", "\xff\xd8\xff\xe0\nc=IN IP4 127.0.0.1\n"]
)
def test_a_playlist_from_a_pipe_opens_no_other_file(tmp_path: Path, beginning: str) -> None:
    other = write_film(tmp_path / "other.avi", [(NOISE, 9)])
    content = f"{beginning}{other}\n#EXT-X-ENDLIST\n".encode("latin-1")
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(content))
    writer.start()
    with pytest.raises(PictureError, match=r"playlist\. Give a video file|has an unknown format"):
        list(frames(tmp_path / "pipe", 5))
    writer.join()


def test_a_name_with_a_pattern_is_that_file(tmp_path: Path) -> None:
    for number in range(1, 5):
        cv2.imwrite(str(tmp_path / f"img_{number:02}.png"), NOISE)
    pattern = tmp_path / "img_%02d.png"
    with pytest.raises(PictureError, match="does not exist"):
        list(frames(pattern, 5))
    cv2.imwrite(str(pattern), NOISE)
    for path in (pattern, tmp_path / "img_01.png"):
        with pytest.raises(PictureError, match="is a single picture, not a video"):
            list(frames(path, 5))
    write_film(tmp_path / "film.avi", [(NOISE, 9)]).rename(pattern)
    assert len(list(frames(pattern, 100))) == 9


def test_frames_above_the_limit_are_refused(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opencv, "MAX_PIXELS", 64 * 96 - 1)
    with pytest.raises(PictureError, match=r"has frames of 96 x 64 pixels, but at most 6,143 are allowed"):
        list(frames(film, 5))


def test_frames_that_are_missing_in_the_middle_are_an_error(film: Path) -> None:
    """The last frame has the right time, and 13 of 40 can be read."""
    content = film.read_bytes()
    start, end = len(content) // 5, len(content) * 4 // 5
    film.write_bytes(content[:start] + bytes(end - start) + content[end:])
    with pytest.raises(PictureError, match=r"has 40 frames, but only \d\d could be read"):
        list(frames(film, 5))


class Film:
    """A video as in OpenCV, with these times in milliseconds."""

    def __init__(self, times: list[float]) -> None:
        self.times = times

    def get(self, fact: int) -> float:
        if fact == cv2.CAP_PROP_POS_MSEC:
            return self.times.pop(0)
        return {cv2.CAP_PROP_FPS: math.inf, cv2.CAP_PROP_FRAME_COUNT: -math.inf}.get(fact, 9.0)

    def grab(self) -> bool:
        return bool(self.times)

    def retrieve(self) -> tuple[bool, np.ndarray]:
        return True, NOISE

    def release(self) -> None:
        pass


@pytest.mark.parametrize("time", [math.inf, math.nan, 1e300])
def test_a_frame_without_a_finite_time_is_an_error(film: Path, monkeypatch: pytest.MonkeyPatch, time: float) -> None:
    monkeypatch.setattr(video, "open_capture", lambda *_: Film([0.0, time, 80.0]))
    with pytest.raises(PictureError, match=r"Frame 1 of .* has the time (?:inf|nan|1e\+297) s"):
        list(frames(film, 5))


def test_an_infinite_frame_rate_is_not_used(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "open_capture", lambda *_: Film([-1.0] * 9))
    assert [frame.seconds for frame in frames(film, 100)] == pytest.approx([number / 25 for number in range(9)])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
@pytest.mark.parametrize("has_writer", [False, True])
def test_a_pipe_that_gives_nothing_ends_after_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_writer: bool
) -> None:
    monkeypatch.setattr(opencv, "LONGEST_WAIT", 0.2)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR) if has_writer else -1
    try:
        with pytest.raises(PictureError, match=r"No picture came from .*pipe within 0\.2 seconds"):
            next(frames(pipe, 5))
    finally:
        end = os.open(pipe, os.O_RDWR) if end < 0 else end
        os.close(end)


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_slow_pipe_is_not_stalled(tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opencv, "LONGEST_WAIT", 1.2)
    content, pipe = film.read_bytes(), tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        with pipe.open("wb", buffering=0) as end:
            for start in range(0, len(content), len(content) // 12):
                end.write(content[start : start + len(content) // 12])
                time.sleep(0.15)

    writer = threading.Thread(target=write)
    writer.start()
    assert list(frames(pipe, 1000))
    writer.join()


def test_a_camera_that_stalls_ends_after_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    stalled, plugged = threading.Event(), Film([0.0])
    for module in (opencv, video):
        monkeypatch.setattr(module, "LONGEST_WAIT", 0.2)
    monkeypatch.setattr(video, "PATIENCE", 0.1)
    monkeypatch.setattr(video, "open_capture", lambda *_: plugged)
    pictures = frames(0, 1000)
    try:
        next(pictures)
        monkeypatch.setattr(plugged, "grab", lambda: stalled.wait() and False)
        with pytest.raises(PictureError, match=r"No more pictures came from camera 0 for 0\.2 seconds"):
            for _ in pictures:
                pass
    finally:
        stalled.set()


WATCH = """
import sys
from mnist_runtime import PictureError
from mnist_runtime.reading.video import frames
try:
    print(len(list(frames(sys.argv[1], 100))))
except PictureError as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["film.avi", "film.mp4"])
def test_native_messages_stay_off_stderr(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, name: str
) -> None:
    film = write_film(tmp_path / name, [(NOISE, 30)], kind="MJPG" if name.endswith("avi") else "mp4v")
    content = bytearray(film.read_bytes())
    place = content.index(b"mdat" if name.endswith("mp4") else b"movi") + 3000
    content[place : place + 2000] = np.random.default_rng(1).bytes(2000)
    film.write_bytes(content)
    done = run("python", "-c", WATCH, film, OPENCV_FFMPEG_LOGLEVEL=None, OPENCV_LOG_LEVEL=None)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
