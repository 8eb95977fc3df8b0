"""`DoubtfulPictures`: keep the pictures that a model was unsure about, as data for its next training."""

from __future__ import annotations

import importlib.util
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import BackendError, OutputError, UsageError, first_line, install_command
from mnist_runtime.prediction import Prediction
from mnist_runtime.preprocess.decode import pillow_image
from mnist_runtime.reading.page import Reading
from mnist_runtime.system.atomic import atomic_write
from mnist_runtime.system.command import warn

__all__ = ["MOST_PICTURES", "DoubtfulPictures"]

MOST_PICTURES = 1000
"""Most pictures in a folder, so that no disk fills up."""

MARGIN = 0.3
"""Margin around a digit that is cut out of a picture, as a fraction of its height."""

LONGEST_LABEL = 100
"""Most bytes of a label in a file name; some file systems limit names to 143."""


class DoubtfulPictures:
    """A folder for pictures that a model classified with little confidence.

    Sort them into a folder for each digit or other label, and train with them: ``mnist-train --data FOLDER``. The name
    of a file is the time, the most likely answer and its confidence: ``20261126T081500.250000Z_7_0.52.png``. In a
    label, spaces and other signs become ``-``; only its first 100 bytes are used.

    Parameters
    ----------
    folder : str or Path
        Where to write. It is created.
    below : float
        Confidence, above 0 and at most 1, below which an answer is doubtful. The ready model gives 98 % of MNIST's
        test images more than 0.9. Pictures without a digit because of the model's threshold are always doubtful;
        blank ones, scribbles and pictures of several digits never are.
    most : int
        Number of pictures that the folder may hold.
    go_on : bool
        If a picture cannot be written, such as on a full disk: warn once and go on, instead of raising an error.

    Raises
    ------
    UsageError
        If `below` is outside its range, or the folder cannot be created.
    BackendError
        If Pillow is not installed.
    """

    def __init__(
        self, folder: str | Path, below: float = 0.9, most: int = MOST_PICTURES, *, go_on: bool = False
    ) -> None:
        if not 0 < below <= 1:
            raise UsageError(f"The confidence is {below}, but must be above 0 and at most 1.")
        if importlib.util.find_spec("PIL") is None:
            raise BackendError(f"Keeping pictures needs Pillow. Install it with: {install_command('images')}")
        self.folder = Path(folder)
        self.below = below
        self._goes_on, self._is_failing = go_on, False
        self._most, self._left = most, 0
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"Cannot use the folder {folder}: {error.strerror}. Choose another one.") from error

    @property
    def is_full(self) -> bool:
        """Whether the folder holds as many pictures as it may."""
        if self._left <= 0:
            self._left = self._most - sum(1 for _ in self.folder.glob("*.png"))
        return self._left <= 0

    def is_doubtful(self, prediction: Prediction) -> bool:
        """Return whether a picture with this answer is kept."""
        return prediction.reason == "unsure" or (prediction.reason is None and prediction.confidence < self.below)

    def keep(self, pixels: npt.NDArray[np.uint8], prediction: Prediction, *, in_any_case: bool = False) -> Path | None:
        """Write a picture if its answer is doubtful and the folder is not full.

        Parameters
        ----------
        pixels : ndarray of shape (h, w) or (h, w, 1..4), dtype uint8
            The picture.
        prediction : Prediction
            The answer.
        in_any_case : bool
            Write it whatever its confidence.

        Returns
        -------
        Path or None
            The file, or None if none was written.

        Raises
        ------
        OutputError
            If it cannot be written, and `go_on` is not set.
        """
        if not (in_any_case or self.is_doubtful(prediction)):
            return None
        try:
            if self.is_full:
                return None
            path = self._write(pixels, prediction)
        except OSError as error:
            if not self._goes_on:
                raise
            if not self._is_failing:
                warn(f"warning: A doubtful picture is left out. {first_line(error)}")
            self._is_failing = True
            return None
        self._is_failing = False
        self._left -= 1
        return path

    def _write(self, pixels: npt.NDArray[np.uint8], prediction: Prediction) -> Path:
        best = re.sub(r"[^\w.-]", "-", prediction.labels[0]) if prediction.ranking else "none"
        best = best.encode()[:LONGEST_LABEL].decode(errors="ignore")
        path = self._new_path(f"{best}_{prediction.confidence:.2f}.png")
        with atomic_write(path) as staged:
            pillow_image(pixels).save(staged)
        return path

    def keep_readings(self, pixels: npt.NDArray[Any], readings: Sequence[Reading]) -> list[Path]:
        """Cut out and write the doubtful ones of a picture's `readings`; see `keep`."""
        kept = (self.keep(_cut_out(pixels, each), each.prediction) for each in readings)
        return [path for path in kept if path]

    def _new_path(self, ending: str) -> Path:
        now = time.time_ns() // 1000
        for microseconds in range(now, now + 1000):
            seconds, rest = divmod(microseconds, 1_000_000)
            moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(seconds))
            path = self.folder / f"{moment}.{rest:06}Z_{ending}"
            if not path.exists():
                return path
        raise OutputError(f"Cannot find a free name in {self.folder}. Choose another folder.")


def _cut_out(pixels: npt.NDArray[Any], reading: Reading) -> npt.NDArray[Any]:
    left, top, right, bottom = reading.box
    margin = round(MARGIN * (bottom - top))
    return pixels[max(top - margin, 0) : bottom + margin, max(left - margin, 0) : right + margin]
