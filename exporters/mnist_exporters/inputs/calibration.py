"""`Calibration`: real images on which the ranges of the activations of an integer model are measured."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from numbers import Integral
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import CalibrationError, UsageError
from mnist_exporters.inputs.labelled_images import LabelledImages
from mnist_runtime.errors import counted

__all__ = ["Calibration", "check_draw"]


def check_draw(samples: object, seed: object) -> None:
    """Check the number of calibration images (None: the default number) and the seed of the random draw.

    Raises
    ------
    UsageError
        If one of them is not an integer, or the seed is negative.
    """
    if samples is not None and not _is_whole(samples):
        raise UsageError(f"calibration_samples is {samples!r}, but must be a whole number, such as 500.")
    if not _is_whole(seed) or seed < 0:
        raise UsageError(f"seed is {seed!r}, but must be a whole number of at least 0.")


def _is_whole(value: object) -> TypeGuard[Integral]:
    return isinstance(value, Integral) and not isinstance(value, bool)


@dataclass(frozen=True, eq=False)
class Calibration:
    """Calibration images, which are drawn from a training split and are not test images.

    Parameters
    ----------
    images : ndarray of shape (n, h, w) or (n, h, w, 3), dtype uint8
        Pixels 0..255.
    dataset : str
        Name of the data set.
    seed : int
        Seed of the random draw.
    left_out : int
        Number of training images that were excluded from the draw because they are also test images.
    classes : int
        Number of classes in the data.
    """

    images: npt.NDArray[np.uint8]
    dataset: str
    seed: int
    left_out: int = 0
    classes: int = 10

    @classmethod
    def draw(cls, training: LabelledImages, count: int, seed: int, left_out: int = 0) -> Calibration:
        """Draw `count` random images, with equal numbers of each class where possible.

        The images set the range of the input, which must be 0..255 because each file takes raw pixels. So if no pixel
        is 255, a corner of the first image is set to 255; if none is 0, another corner is set to 0.

        Parameters
        ----------
        training : LabelledImages
            The training split.
        count : int
            Number of images to draw.
        seed : int
            Seed of the random draw.
        left_out : int
            Number of images that `leave_out_shared` removed from `training`.

        Raises
        ------
        CalibrationError
            If `count` is below 1, or there are fewer images.
        """
        available = len(training.images)
        if not 1 <= count <= available:
            advice = ("Draw fewer, or give" if available else "Give") + " more data."
            raise CalibrationError(
                f"Cannot draw {count} calibration images: {training.name} has "
                f"{counted(available, 'training image')}. {'Draw at least one.' if count < 1 <= available else advice}"
            )
        shuffled = np.random.default_rng(seed).permutation(len(training.images))
        labels = training.labels[shuffled]
        # The rank of each image within its class. Sorting by it makes the classes take turns.
        rank = np.empty(len(labels), np.intp)
        for label in np.unique(labels):
            rank[labels == label] = np.arange((labels == label).sum())
        chosen = shuffled[np.argsort(rank, kind="stable")[:count]]
        classes = len(training.task.labels)
        return cls(_with_black_and_white(training.images[chosen]), training.name, seed, left_out, classes)

    def check_overlap(self, images: npt.NDArray[np.uint8]) -> None:
        """Check that no calibration image is among the test images.

        Raises
        ------
        CalibrationError
            If a calibration image is also a test image.
        """
        test = {image.tobytes() for image in images}
        if shared := sum(image.tobytes() in test for image in self.images):
            raise CalibrationError(
                f"{shared} of {len(self.images)} calibration images are also test images. Split the data again, "
                "without duplicates."
            )

    def first(self, count: int) -> Calibration:
        """Return the first `count` images, with balanced classes and pixels of 0 and 255, as in `draw`."""
        return self._part(np.arange(len(self.images)) < count)

    def halves(self) -> tuple[Calibration, Calibration]:
        """Return two disjoint halves, each with balanced classes and pixels of 0 and 255, as in `draw`."""
        # `draw` makes the classes take turns. So each block of `classes` images has one image of each class.
        first = np.arange(len(self.images)) // self.classes % 2 == 0
        return self._part(first), self._part(~first)

    def _part(self, chosen: npt.NDArray[np.bool_]) -> Calibration:
        return dataclasses.replace(self, images=_with_black_and_white(self.images[chosen]))

    @property
    def tensors(self) -> npt.NDArray[np.uint8]:
        """The images as a model takes them: raw pixels, uint8 (n, h, w, channels)."""
        return self.images.reshape(*self.images.shape[:3], -1)

    def as_dict(self) -> dict[str, Any]:
        """Return the entry about calibration in the manifest."""
        facts = {
            "dataset": self.dataset,
            "split": "train",
            "images": len(self.images),
            "seed": self.seed,
            "sha256": hashlib.sha256(self.images.tobytes()).hexdigest(),
        }
        return facts | ({"left_out": self.left_out} if self.left_out else {})


def _with_black_and_white(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return `images` with at least one pixel of 0 and one of 255."""
    if images.size and (images.max() < 255 or images.min() > 0):
        images = images.copy()
        if images.max() < 255:
            images[0, 0, 0] = 255
        if images.min() > 0:
            images[0, -1, -1] = 0
    return images
