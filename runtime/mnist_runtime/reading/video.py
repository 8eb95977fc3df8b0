"""Read frames from a camera, a video file or a pipe, by OpenCV 4.6 or newer."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import PictureError, UsageError
from mnist_runtime.reading.opencv import (
    LONGEST_WAIT,
    Arrivals,
    answer_of,
    check_size,
    import_opencv,
    open_capture,
    quietly,
)
from mnist_runtime.system.command import OPENCV_THREAD

__all__ = ["Frame", "frames"]

COMPLETE = 0.9
"""Least fraction of the frames or the duration in its header that a complete file contains."""
MOST_BAD = 100
"""Damaged frames in a row after which a camera counts as broken."""
PATIENCE = 2
"""Seconds to wait for a camera's driver at the end; some block for ten seconds."""
LATEST = 1e9
"""Latest time of a frame, in seconds: 30 years."""
BACK = 0.5
"""Least step back in time, in seconds, where two streams are joined; frames out of order step back by less."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a camera or a video.

    Parameters
    ----------
    seconds : float
        Time from the start of the video, or since the camera was opened.
    number : int
        Number of the frame, from 0; skipped frames count.
    pixels : ndarray of shape (h, w) or (h, w, 3), dtype uint8
        Gray or RGB; `frames` yields RGB.
    """

    seconds: float
    number: int
    pixels: npt.NDArray[np.uint8]


def frames(source: int | str | Path, rate: float) -> Generator[Frame, None, None]:
    """Open a camera or a video and yield some of its frames.

    From a camera or a pipe, each frame is the newest one; older ones are dropped. A pipe must first deliver 5 MB, from
    which FFmpeg detects the format. Errors are raised with the first frame, not by the call.

    Parameters
    ----------
    source : int, str or Path
        Number or device of a camera, a video file, or a pipe of video such as ``/dev/stdin``.
    rate : float
        Frames per second at most.

    Raises
    ------
    BackendError
        If OpenCV is not installed.
    PictureError
        If the source cannot be opened, has no picture, is damaged or incomplete, or if a camera stops.
    UsageError
        If `rate` is not a finite number above 0.
    """
    if not (rate > 0 and math.isfinite(rate)):
        raise UsageError(
            f"The rate is {rate}, but it must be a finite number above 0. Give frames per second, such as 5."
        )
    cv2 = import_opencv()
    place = int(str(source)) if str(source).isdecimal() else _existing_path(Path(str(source)))
    name = f"camera {source}" if isinstance(place, int) else str(source)
    if isinstance(place, Path) and place.is_file():
        yield from _file_frames(cv2, place, rate, name)
        return
    capture = open_capture(cv2, name, place)
    number = -1
    for frame in _live_frames(cv2, capture, rate, name):
        yield frame
        number = frame.number
    if number < 0:
        raise PictureError(
            f"No picture came from {name}. Close other programs that may use it. OpenCV cannot read a Raspberry Pi's "
            "camera module: pipe rpicam-vid into /dev/stdin."
        )
    if isinstance(place, int) or not place.is_fifo():  # a pipe may end
        raise PictureError(f"No more pictures came from {name} after {number + 1:,}. Check its cable.")


def _existing_path(path: Path) -> Path:
    """Return `path` as an absolute path, so that OpenCV does not read a part of it as a protocol."""
    if not path.exists() or path.is_dir():
        problem = "is a folder" if path.is_dir() else "does not exist"
        raise PictureError(f"{path} {problem}. Give the number of a camera or a video file.")
    try:
        str(path).encode()
    except UnicodeEncodeError as error:  # OpenCV would crash
        raise PictureError(f"The file name {str(path)!r} is not valid Unicode. Rename the file.") from error
    return path.absolute()


def _file_frames(cv2: Any, path: Path, rate: float, name: str) -> Iterator[Frame]:
    """Yield the first frame of each interval of 1 / `rate` seconds of a file."""
    capture = open_capture(cv2, name, path)
    claimed, speed = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
    clock = _Clock(speed if 0 < speed <= 1000 else 25.0)
    number = decoded = 0
    interval = -1
    try:
        while quietly(capture.grab):
            seconds = clock.seconds(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, number, name)
            if int(seconds * rate + 1e-6) > interval:
                check_size(cv2, capture, name)
                success, pixels = quietly(capture.retrieve)
                if success:
                    decoded += 1
                    interval = int(seconds * rate + 1e-6)
                    yield Frame(seconds, number, pixels[..., ::-1])
            number += 1
    except cv2.error as error:
        raise PictureError(f"OpenCV cannot decode frame {number} of {name} ({error}). Check the file.") from error
    finally:
        capture.release()
    if not decoded:
        raise PictureError(f"OpenCV cannot decode any frame of {name}: it is empty or damaged. Check the file.")
    if number == 1:
        raise PictureError(f"{name} is a single picture, not a video. Use `mnist-runtime read` for pictures.")
    duration = claimed / clock.speed
    lacks_time = clock.last - clock.gaps < COMPLETE * duration
    if number < COMPLETE * claimed and lacks_time:  # a header may be wrong in one of them
        raise PictureError(
            f"{name} has {claimed:,.0f} frames, but only {number:,} could be read: it is damaged or incomplete. "
            "Check the file."
        )


class _Clock:
    """The time of the frames of a file, which never goes back; `gaps` is the time in which frames are missing."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self.last = self.gaps = self._shift = 0.0

    def seconds(self, stamp: float, number: int, name: str) -> float:
        """Return the time of a frame with this time stamp."""
        now = (stamp if not stamp < 0 else number / self.speed) + self._shift  # a raw stream has no time stamps
        if not now <= LATEST:
            raise PictureError(f"Frame {number} of {name} has the time {now} s: the file is damaged. Check the file.")
        step = 1 / self.speed
        if now < self.last - BACK:  # another stream was joined to the first
            self._shift += self.last + step - now
            now = self.last + step
        if number and now > self.last + 5 * step:
            self.gaps += now - self.last - step
        self.last = max(self.last, now)
        return self.last


def _live_frames(cv2: Any, capture: Any, rate: float, name: str) -> Iterator[Frame]:
    """Yield the newest frame at most every 1 / `rate` seconds, until the camera stops.

    Drivers queue frames for slow readers. A thread grabs each frame on arrival, and decodes only those needed.
    """
    wanted, stopped = threading.Event(), threading.Event()
    answers: SimpleQueue[Frame | None] = SimpleQueue()
    opened = time.monotonic()

    def grab_frames() -> None:
        number = bad = 0
        with contextlib.suppress(cv2.error):
            while bad < MOST_BAD and not stopped.is_set() and capture.grab():
                if wanted.is_set():
                    success, pixels = capture.retrieve()
                    bad = 0 if success else bad + 1
                    if success:
                        wanted.clear()
                        answers.put(Frame(time.monotonic() - opened, number, pixels[..., ::-1]))
                number += 1
        answers.put(None)
        capture.release()

    thread = threading.Thread(target=grab_frames, name=OPENCV_THREAD, daemon=True)
    wanted.set()
    thread.start()
    try:
        while True:
            due = time.monotonic() + 1 / rate
            try:
                frame = answer_of(answers, Arrivals())
            except Empty as error:
                raise PictureError(
                    f"No more pictures came from {name} for {LONGEST_WAIT:g} seconds. Check the source."
                ) from error
            if frame is None:
                return
            yield frame
            time.sleep(max(0.0, due - time.monotonic()))
            wanted.set()
    finally:
        stopped.set()
        thread.join(PATIENCE)
