"""`watch`: what a camera or a video shows, told when it changes."""

from __future__ import annotations

import contextlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mnist_runtime.classifier import Classifier
from mnist_runtime.errors import UsageError
from mnist_runtime.reading.page import Reading, read
from mnist_runtime.reading.video import Frame, frames

__all__ = ["Observation", "watch"]

RATE = 5.0
"""Frames a second that are read, at most."""
STEADY = 3
"""Frames that must agree, of those read last."""


@dataclass(frozen=True)
class Observation:
    """What is seen from now on.

    Parameters
    ----------
    seconds : float
        When it was sure: into the video, or since the camera was opened.
    frame : int
        Number of the frame, from 0.
    readings : tuple of Reading
        Its digits in reading order, as `read` gives them; empty when those that were there have gone.
    """

    seconds: float
    frame: int
    readings: tuple[Reading, ...]


def watch(
    source: int | str | Path | Iterable[Frame],
    classifier: Classifier | None = None,
    *,
    rate: float = RATE,
    steady: int = STEADY,
) -> Iterator[Observation]:
    """Read a camera or a video, and yield a sighting whenever the digits on it are others than before.

    A hand that passes, a blurred frame or one misread digit is no change: of the ``2 * steady - 1`` frames that were
    read last, `steady` must show the same digits in the same order. It begins with nothing being seen. Digits that only
    move are the same digits.

    Parameters
    ----------
    source : int, str, Path or iterable of Frame
        A camera's number or device, a video file, a pipe of video; or frames of your own.
    classifier : Classifier, optional
        Without it, the ready model.
    rate : float, optional
        Frames a second that are read, at most; of your own, all are.
    steady : int, optional
        1 to tell each change at once.

    Raises
    ------
    BackendError
        If OpenCV is not installed.
    PictureError
        If the source cannot be opened, gives no picture, is damaged or cut off; or if a camera stops.
    UsageError
        If `rate` is not above 0, or `steady` below 1.

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
        raise UsageError(f"Expected one frame or more that must agree, received {steady}.")
    if isinstance(source, (int, str, Path)):
        with contextlib.closing(frames(source, rate)) as pictures:
            yield from watch(pictures, classifier, steady=steady)
        return
    classifier = classifier or Classifier.load()
    told: tuple[int | None, ...] = ()
    last: deque[tuple[int | None, ...]] = deque(maxlen=2 * steady - 1)
    for picture in source:
        readings = read(picture.pixels, classifier)
        seen = tuple(found.prediction.digit for found in readings)
        last.append(seen)
        if seen != told and Counter(last)[seen] >= steady:
            told = seen
            yield Observation(picture.seconds, picture.number, readings)
