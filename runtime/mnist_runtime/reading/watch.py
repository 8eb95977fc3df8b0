"""Watch a camera or a video: report the digits whenever they change."""

from __future__ import annotations

import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnist_runtime.classifier import Classifier
from mnist_runtime.errors import PictureError, UsageError
from mnist_runtime.reading.page import Reading, check_finds, read
from mnist_runtime.reading.video import Frame, frames
from mnist_runtime.system.command import echo

__all__ = ["Observation", "lasting_frames", "watch"]

RATE = 5.0
"""Frames per second."""
STEADY = 3
"""Frames that must agree."""


WAITS = (1.0, 60.0)
"""First and longest wait, in seconds, before a lost camera is opened again; each wait doubles."""


@dataclass(frozen=True)
class Observation:
    """The digits that are visible after a change.

    Parameters
    ----------
    seconds : float
        Time of the frame that confirmed the change, as in `Frame`.
    frame : int
        Number of that frame, from 0.
    readings : tuple of Reading
        Its digits in reading order; empty if there are none any more.
    pixels : ndarray of shape (h, w, 3), dtype uint8
        The frame.
    """

    seconds: float
    frame: int
    readings: tuple[Reading, ...]
    pixels: npt.NDArray[np.uint8] = field(repr=False, compare=False)


def watch(
    source: int | str | Path | Iterable[Frame],
    classifier: Classifier | None = None,
    *,
    rate: float = RATE,
    steady: int = STEADY,
) -> Iterator[Observation]:
    """Read a camera or a video, and yield an observation whenever its digits change.

    A change counts once `steady` of the last ``2 * steady - 1`` frames show the same digits in the same order; single
    frames are ignored. At the start, no digits are visible.

    Parameters
    ----------
    source : int, str, Path or iterable of Frame
        Number or device of a camera, a video file, a pipe of video, or your own frames.
    classifier : Classifier, optional
        Default: the ready model.
    rate : float, optional
        Frames per second that are read at most; your own frames are all read.
    steady : int, optional
        Number of frames that must agree; 1 reports each change at once.

    Raises
    ------
    BackendError, PictureError
        As from `frames`.
    UsageError
        If `rate` is not above 0, `steady` is below 1, or the model is not for handwriting.

    Examples
    --------
    >>> import numpy as np
    >>> page = np.full((100, 200), 230, np.uint8)
    >>> page[20:80, 40:46] = 20
    >>> film = [Frame(second, second, page) for second in range(9)]
    >>> [(seen.seconds, [found.prediction.digit for found in seen.readings]) for seen in watch(film)]
    [(2, [1])]
    """
    if steady < 1:
        raise UsageError(f"`steady` is {steady}, but at least one frame must agree. Give 1 or more.")
    if classifier is not None:
        check_finds(classifier, "watch")
    if isinstance(source, (int, str, Path)):
        with contextlib.closing(frames(source, rate)) as pictures:
            yield from watch(pictures, classifier, steady=steady)
        return
    classifier = classifier or Classifier.load()
    reported: tuple[str | None, ...] = ()
    recent: deque[tuple[str | None, ...]] = deque(maxlen=2 * steady - 1)
    for picture in source:
        readings = read(picture.pixels, classifier)
        labels = tuple(found.prediction.label for found in readings)
        recent.append(labels)
        if labels != reported and Counter(recent)[labels] >= steady:
            reported = labels
            yield Observation(picture.seconds, picture.number, readings, picture.pixels)


def lasting_frames(
    source: int | str | Path,
    rate: float = RATE,
    *,
    open_frames: Callable[[int | str | Path, float], Generator[Frame, None, None]] = frames,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[Frame, None, None]:
    """Yield frames as `mnist_runtime.reading.video.frames` does; open a camera again after it was disconnected.

    Seconds and numbers of the frames continue. Files and pipes are not opened again, nor is a camera that never had a
    picture.

    Parameters
    ----------
    source : int, str or Path
        Number or device of a camera, a video file, or a pipe of video.
    rate : float, optional
        Frames per second at most.
    open_frames, sleep : callable
        Functions that open the source and that wait.
    """
    is_camera = str(source).isdecimal() or Path(str(source)).is_char_device()
    start, number, wait = time.monotonic(), 0, WAITS[0]
    is_away = False
    while True:
        before = time.monotonic() - start if number else 0.0
        first = number
        try:
            with contextlib.closing(open_frames(source, rate)) as pictures:
                for frame in pictures:
                    if is_away:
                        echo(f"note: The camera {source} is back.")
                    is_away, wait = False, WAITS[0]
                    number = first + frame.number + 1
                    yield Frame(before + frame.seconds, first + frame.number, frame.pixels)
            return
        except PictureError as error:
            if not (is_camera and number):
                raise
            if not is_away:
                echo(f"note: {error} It is opened again.")
            is_away = True
            sleep(wait)
            wait = min(2 * wait, WAITS[1])
