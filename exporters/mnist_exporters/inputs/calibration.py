"""`Calibration`: the real images from which an integer model learns the ranges of its activations."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import CalibrationError
from mnist_exporters.inputs.labelled_images import LabelledImages

__all__ = ["Calibration"]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Images drawn from a training split; never from the images that the proof runs on.

    Parameters
    ----------
    images : ndarray of shape (n, 28, 28), dtype uint8
        Pixels 0..255.
    dataset : str
        Where they were drawn from.
    seed : int
        Of the draw.
    """

    images: npt.NDArray[np.uint8]
    dataset: str
    seed: int

    @classmethod
    def draw(cls, training: LabelledImages, count: int, seed: int) -> Calibration:
        """Draw `count` images at random, as many of each digit as there are.

        Should no pixel reach 255, the corner of the first image is set to it: the range of the input is taken from
        these images, and a narrower one would break the contract that a file takes raw pixels.

        Raises
        ------
        CalibrationError
            If there are fewer than `count` images.
        """
        if not 1 <= count <= len(training.images):
            raise CalibrationError(
                f"Expected 1 to {len(training.images)} calibration images (the training split of {training.name}), "
                f"received {count}; ask for fewer, or give more data."
            )
        shuffled = np.random.default_rng(seed).permutation(len(training.images))
        labels = training.labels[shuffled]
        # Sorting by "the how-manieth of its digit" deals the digits out in turn.
        turn = np.empty(len(labels), np.intp)
        for digit in np.unique(labels):
            turn[labels == digit] = np.arange((labels == digit).sum())
        chosen = shuffled[np.argsort(turn, kind="stable")[:count]]
        return cls(_with_white(training.images[chosen]), training.name, seed)

    def refuse_overlap(self, images: npt.NDArray[np.uint8]) -> None:
        """Make sure that none of these is among `images`, which are to prove the export.

        Raises
        ------
        CalibrationError
            If one is.
        """
        test = {image.tobytes() for image in images}
        if shared := sum(image.tobytes() in test for image in self.images):
            raise CalibrationError(
                f"Expected calibration images apart from the test images, {shared} of {len(self.images)} are among "
                "both; divide the data anew."
            )

    def halves(self) -> tuple[Calibration, Calibration]:
        """Return two disjoint halves with as many of each digit as can be: every other image of a digit.

        Like every draw, each shows one pixel of 255.
        """
        # `draw` deals the digits out in turn, so that every tenth image is of the same digit.
        first = np.arange(len(self.images)) // 10 % 2 == 0
        return self._part(first), self._part(~first)

    def _part(self, chosen: npt.NDArray[np.bool_]) -> Calibration:
        return Calibration(_with_white(self.images[chosen]), self.dataset, self.seed)

    def as_dict(self) -> dict[str, Any]:
        """Return what the manifest says of it."""
        return {
            "dataset": self.dataset,
            "split": "train",
            "images": len(self.images),
            "seed": self.seed,
            "sha256": hashlib.sha256(self.images.tobytes()).hexdigest(),
        }


def _with_white(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return `images` with at least one pixel of 255."""
    if images.size and images.max() < 255:
        images = images.copy()
        images[0, 0, 0] = 255
    return images
