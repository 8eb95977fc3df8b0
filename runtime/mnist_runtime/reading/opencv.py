"""Import OpenCV, 4.6 or newer, and open cameras and videos with limits of time and size."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from mnist_runtime.errors import BackendError, PictureError, first_line, install_command
from mnist_runtime.preprocess.grayscale import MAX_PIXELS
from mnist_runtime.preprocess.other_files import reject
from mnist_runtime.system.command import OPENCV_THREAD
from mnist_runtime.system.process import quiet_stderr

__all__ = ["LONGEST_WAIT", "Arrivals", "answer_of", "check_size", "import_opencv", "open_capture", "quietly"]

Result = TypeVar("Result")

LONGEST_WAIT = 30.0
"""Seconds without a frame after which a camera, a pipe or a file that is opened counts as broken."""
WAKING = 0.25
"""Longest wait for an answer, in seconds, before signals are handled."""
QUIET = {"OPENCV_LOG_LEVEL": "OFF", "OPENCV_FFMPEG_LOGLEVEL": "-8"}
"""Stops messages of OpenCV and FFmpeg about damaged files and missing cameras; our errors report them."""
STARTS = re.compile(
    rb"....(?:ftyp|styp|moov|mdat|free|skip|wide|pnot)|\x1a\x45\xdf\xa3|RIFF....AVI |\x47.{187}\x47|.{4}\x47.{191}\x47|"
    rb"\x00\x00\x00?\x01|FLV\x01|OggS|\x30\x26\xb2\x75\x8e\x66\xcf\x11|YUV4MPEG2 |DKIF|\x12\x00\x0a|\x1f\x07\x00|"
    rb"\x06\x0e\x2b\x34|nut/multimedia|\s*--[!-~]{1,70}\r?\n|GIF8|\xff\xd8\xff|\x89PNG\r\n",
    re.DOTALL,
)
"""First bytes of videos, and of pictures, which get a better error message later."""
REFERENCES = re.compile(rb"[\r\n]c=IN IP|<MPD|<CompositionPlaylist")
"""Text that makes FFmpeg open other files or connections, although a file begins as a video."""
PROBED = 1 << 20
"""Bytes from which FFmpeg detects a format."""
PIECE = 1 << 16
"""Bytes of a pipe that are passed on at once."""


def import_opencv() -> Any:
    """Return the module ``cv2``.

    Raises
    ------
    BackendError
        If it is not installed or broken.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import cv2
    except ImportError as error:
        raise BackendError(
            f"Cameras and videos need OpenCV, which cannot be imported ({error}). "
            f"Install it with: {install_command('watch')}"
        ) from error
    return cv2


def open_capture(cv2: Any, name: str, source: int | Path) -> Any:
    """Open a camera, a file or a pipe.

    Returns
    -------
    cv2.VideoCapture

    Raises
    ------
    PictureError
        If it cannot be opened, gives nothing within `LONGEST_WAIT`, or has too large frames.
    """
    opened: SimpleQueue[Any] = SimpleQueue()
    arrivals = Arrivals()

    def open_it() -> None:
        try:
            opened.put(_camera(cv2, source) if isinstance(source, int) else _video(cv2, source, name, arrivals))
        except Exception as error:
            opened.put(error)

    try:
        with quiet_stderr():  # OpenCV tries several readers, and some write to stderr at any log level
            # In this thread, signals would wait until it is open.
            threading.Thread(target=open_it, name=OPENCV_THREAD, daemon=True).start()
            capture = answer_of(opened, arrivals)
    except Empty as error:
        raise PictureError(f"No picture came from {name} within {LONGEST_WAIT:g} seconds. Check the source.") from error
    if isinstance(capture, PictureError):
        raise capture
    if isinstance(capture, Exception):
        raise PictureError(f"OpenCV cannot open {name} ({first_line(capture)}). Check the source.") from capture
    if capture is not None and capture.isOpened():
        check_size(cv2, capture, name)
        return capture
    raise PictureError(
        f"OpenCV cannot open {name}. Check that it is connected and that no other program uses it."
        if isinstance(source, int)
        else f"OpenCV cannot open {name}: it is damaged or has an unknown format. Check the file."
    )


class Arrivals:
    """The time of the last bytes from a pipe; a slow one may deliver for a minute before FFmpeg starts."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def read(self, file: FileIO, most: int) -> bytes:
        """Read some bytes, and store their time of arrival."""
        piece = file.read(most) or b""
        self.last = time.monotonic()
        return piece


def answer_of(answers: SimpleQueue[Any], arrivals: Arrivals) -> Any:
    """Wait for an answer, or raise `Empty` if nothing has arrived for `LONGEST_WAIT`.

    A signal that comes just before Python waits is handled when the wait ends, so each wait is short.
    """
    while True:
        with contextlib.suppress(Empty):
            return answers.get(timeout=WAKING)
        if time.monotonic() >= arrivals.last + LONGEST_WAIT:
            raise Empty


def _camera(cv2: Any, source: int | Path) -> Any:
    """Return OpenCV's reader of a camera, opened or not."""
    return cv2.VideoCapture(source if isinstance(source, int) else str(source))


def _video(cv2: Any, path: Path, name: str, arrivals: Arrivals) -> Any:
    """Return OpenCV's reader of a file or a pipe with a video; None for any other content."""
    if not path.is_file() and not path.is_fifo():
        return _camera(cv2, path)
    with path.open("rb", buffering=0) as file:
        head = _head(file, arrivals)
        reject(head, name, video=True)
        if not STARTS.match(head) or REFERENCES.search(head):
            return None
        if path.is_file():
            file.seek(0)
            return _read_video(cv2, file.fileno(), path)
        kept = os.dup(file.fileno())
    reading, writing = os.pipe()
    threading.Thread(target=_pass_on, args=(kept, writing, head, arrivals), daemon=True).start()
    try:
        return _read_video(cv2, reading, path)
    finally:
        os.close(reading)


def _head(file: FileIO, arrivals: Arrivals) -> bytes:
    """Return the first `PROBED` bytes, or all."""
    head = b""
    while len(head) < PROBED and (piece := arrivals.read(file, PROBED - len(head))):
        head += piece
    return head


def _read_video(cv2: Any, descriptor: int, path: Path) -> Any:
    """Open a file by its descriptor, because FFmpeg reads some names as patterns or formats."""
    alias = Path(f"/dev/fd/{descriptor}")
    return cv2.VideoCapture(str(alias if alias.exists() else path), cv2.CAP_FFMPEG)


def _pass_on(source: int, target: int, head: bytes, arrivals: Arrivals) -> None:
    """Copy `head` and the rest of a pipe into another one."""
    with contextlib.suppress(OSError), open(source, "rb", buffering=0) as pipe, open(target, "wb", buffering=0) as copy:
        rest = memoryview(head)
        while rest:
            rest = rest[copy.write(rest) :] or memoryview(arrivals.read(pipe, PIECE))


def check_size(cv2: Any, capture: Any, name: str) -> None:
    """Reject a source whose frames have more than `MAX_PIXELS`."""
    width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    if width * height > MAX_PIXELS:
        raise PictureError(
            f"{name} has frames of {width:.0f} x {height:.0f} pixels, but at most {MAX_PIXELS:,} are allowed. "
            "Resize it."
        )


def quietly(act: Callable[[], Result]) -> Result:
    """Call a function of OpenCV without its messages."""
    with quiet_stderr():
        return act()
