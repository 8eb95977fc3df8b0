"""`frames`: the pictures that a camera takes now, or that a video file holds, by OpenCV."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import BackendError, PictureError, UsageError
from mnist_runtime.system.stderr import quiet_stderr

__all__ = ["Frame", "frames"]

WHOLE = 0.9
"""Share of the frames that a file claims, or of the time that they would last, that is there if the file is whole."""
MOST_BAD = 100
"""Frames of a camera on end that may be damaged, as one now and then is."""
PATIENCE = 2
"""Seconds to wait for the driver of a camera at the end; one that has been pulled out keeps a call for ten."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a camera or a video.

    Parameters
    ----------
    seconds : float
        When: into the video, or since the camera was opened.
    number : int
        Which: how many came before it, whether they were looked at or not.
    pixels : ndarray of shape (h, w) or (h, w, 3), dtype uint8
        Grey or RGB; `frames` gives RGB.
    """

    seconds: float
    number: int
    pixels: npt.NDArray[np.uint8]


def frames(source: int | str | Path, rate: float) -> Generator[Frame, None, None]:
    """Open a camera or a video and yield some of its frames.

    Of a camera, or of what comes through a pipe, each is the newest there is when it is asked for: what comes in
    between is dropped, and does not wait in a queue. A pipe must first give 5 MB, by which FFmpeg knows what it is. A
    file is gone through as fast as its frames are taken. Errors come with the first frame, not with the call.

    Parameters
    ----------
    source : int, str or Path
        A camera's number or device; or a video file; or a pipe of video, such as ``/dev/stdin``.
    rate : float
        Frames a second, at most.

    Raises
    ------
    BackendError
        If OpenCV is not installed.
    PictureError
        If it cannot be opened, gives no picture, is damaged or cut off; or if a camera stops.
    UsageError
        If `rate` is not a number above 0.
    """
    if not (rate > 0 and math.isfinite(rate)):
        raise UsageError(f"Expected a rate above 0, received {rate}.")
    cv2 = _opencv()
    place = int(str(source)) if str(source).isdecimal() else _existing(Path(str(source)))
    name = f"camera {source}" if isinstance(place, int) else str(source)
    capture = _opened(cv2, name, place)
    if isinstance(place, Path) and place.is_file():
        yield from _recorded(cv2, capture, rate, name)
        return
    number = -1
    for frame in _live(cv2, capture, rate):
        yield frame
        number = frame.number
    if number < 0:
        raise PictureError(
            f"Expected pictures from {name}, it gave none; another program may hold it, or it is a Raspberry Pi's "
            "camera module, which OpenCV cannot read: pipe rpicam-vid into /dev/stdin."
        )
    if isinstance(place, int) or not place.is_fifo():  # a pipe may end
        raise PictureError(f"Expected more pictures from {name}, it stopped after {number + 1:,}; look at its cable.")


def _opencv() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise BackendError(
            f"Expected OpenCV to read cameras and videos, it is not installed or broken ({error}): "
            "pip install 'mnist-runtime[watch]'."
        ) from error
    return cv2


def _existing(path: Path) -> Path:
    """Return `path`, absolute, so that nothing in it is taken for a protocol."""
    if not path.exists() or path.is_dir():
        what = "a folder" if path.is_dir() else "not there"
        raise PictureError(f"Expected a camera's number or a video file, received {path}, which is {what}.")
    try:
        str(path).encode()
    except UnicodeEncodeError as error:  # at such a name OpenCV crashes
        raise PictureError(f"Expected a file name in Unicode, received {str(path)!r}; rename it.") from error
    return path.absolute()


def _opened(cv2: Any, name: str, source: int | Path) -> Any:
    try:
        with quiet_stderr():  # of the readers that OpenCV tries in turn, some write to stderr at any log level
            capture = cv2.VideoCapture(source if isinstance(source, int) else str(source))
    except cv2.error as error:
        raise PictureError(f"Expected a camera or a video that OpenCV can open, received {name} ({error}).") from error
    if capture.isOpened():
        return capture
    raise PictureError(
        f"Expected a camera that is there and free, could not open {name}."
        if isinstance(source, int)
        else f"Expected a video, could not open {name}; it is damaged or of a kind that OpenCV cannot read."
    )


def _recorded(cv2: Any, capture: Any, rate: float, name: str) -> Iterator[Frame]:
    """Yield the first frame of each part of a second, 1 / `rate` long."""
    claimed, speed = capture.get(cv2.CAP_PROP_FRAME_COUNT), max(1.0, capture.get(cv2.CAP_PROP_FPS))
    number = taken = 0
    seconds, part = 0.0, -1
    try:
        while capture.grab():
            stamp = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            seconds = stamp if stamp >= 0 else number / speed  # a bare stream of pictures has no time in it
            if int(seconds * rate + 1e-6) > part:
                shown, pixels = capture.retrieve()
                if shown:
                    taken += 1
                    part = int(seconds * rate + 1e-6)
                    yield Frame(seconds, number, pixels[..., ::-1])
            number += 1
    except cv2.error as error:
        raise PictureError(f"Expected a video, could not decode frame {number} of {name} ({error}).") from error
    finally:
        capture.release()
    if not taken:
        raise PictureError(f"Expected a video, no frame of {name} could be decoded; it is empty or damaged.")
    if number == 1:
        raise PictureError(f"Expected a video, {name} holds one picture; `mnist-runtime read` reads pictures.")
    if number < WHOLE * claimed and seconds < WHOLE * claimed / speed:  # either alone may be a container's bad guess
        raise PictureError(
            f"Expected {claimed:,.0f} frames in {name}, {number:,} could be read; it is damaged or cut off."
        )


def _live(cv2: Any, capture: Any, rate: float) -> Iterator[Frame]:
    """Yield the newest frame, whenever one is asked for and 1 / `rate` seconds have passed; end with the camera.

    A driver keeps several frames for whoever is slow. So a thread takes each as it comes, and decodes those that are
    asked for.
    """
    asked, left = threading.Event(), threading.Event()
    answers: SimpleQueue[Frame | None] = SimpleQueue()
    opened = time.monotonic()

    def take() -> None:
        number = bad = 0
        with contextlib.suppress(cv2.error):
            while bad < MOST_BAD and not left.is_set() and capture.grab():
                if asked.is_set():
                    shown, pixels = capture.retrieve()
                    bad = 0 if shown else bad + 1
                    if shown:
                        asked.clear()
                        answers.put(Frame(time.monotonic() - opened, number, pixels[..., ::-1]))
                number += 1
        answers.put(None)
        capture.release()

    thread = threading.Thread(target=take, daemon=True)
    asked.set()
    thread.start()
    try:
        while True:
            due = time.monotonic() + 1 / rate
            frame = answers.get()
            if frame is None:
                return
            yield frame
            time.sleep(max(0.0, due - time.monotonic()))
            asked.set()
    finally:
        left.set()
        thread.join(PATIENCE)
