"""`Reference`: test images and the original's scores for them, with which exports are compared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import UsageError
from mnist_exporters.inputs.labelled_images import LabelledImages, Labels
from mnist_exporters.inputs.original_model import OriginalModel
from mnist_exporters.inputs.repeatable import check_repeatable
from mnist_runtime.artifact.task import DIGITS, Task

__all__ = ["Device", "Reference"]

ALONE = 100
"""Images that an export also classifies one by one. Ten of each digit, if the set is balanced."""


class Device(Protocol):
    """A file that is compared with its original, such as `mnist_runtime.Classifier`."""

    def predict_proba(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return scores 0..1, float32 (n, k), for raw pixels uint8 (n, h, w) or (n, h, w, 3)."""
        ...


@dataclass(frozen=True, eq=False)
class Reference:
    """A held-out set and the original's scores for it. Exports are compared with them.

    Parameters
    ----------
    dataset : str
        Name of the set.
    images : ndarray of shape (n, h, w) or (n, h, w, 3), dtype uint8
        All images of the set.
    labels : ndarray of shape (n,), dtype uint8 or uint16
        Number of the class of each.
    scores : ndarray of shape (n, k), dtype float32
        Scores of the original, 0..1.
    task : Task
        Names of the classes, among others.
    """

    dataset: str
    images: npt.NDArray[np.uint8]
    labels: Labels
    scores: npt.NDArray[np.float32]
    task: Task = DIGITS

    @classmethod
    def of(cls, original: OriginalModel, test: LabelledImages) -> Reference:
        """Classify every image of `test` with `original`.

        Raises
        ------
        UsageError
            If there are no images.
        ModelError
            If the scores of an image change from call to call, or with the other images of the batch.
        """
        if len(test.images) == 0:
            raise UsageError(f"{test.name} has no test images. The proof needs some.")
        scores = original.scores(test.images)
        check_repeatable(original, test.images, scores)
        return cls(test.name, test.images, test.labels, scores, test.task)

    @cached_property
    def accuracy(self) -> float:
        """Fraction of right answers of the original, 0..1."""
        return float((self.scores.argmax(axis=1) == self.labels).mean())

    @cached_property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the accuracy on different images, 0..1 (E. B. Wilson 1927)."""
        from scipy.stats import binomtest

        is_right = (self.scores.argmax(axis=1) == self.labels)[self.is_distinct]
        found = binomtest(int(is_right.sum()), len(is_right)).proportion_ci(method="wilson")
        return float(found.low), float(found.high)

    @cached_property
    def is_distinct(self) -> npt.NDArray[np.bool_]:
        """Whether no earlier image has the same pixels and the same label, shape (n,). The others prove nothing new.

        Examples
        --------
        >>> images = np.zeros((3, 28, 28), np.uint8)
        >>> Reference("zeros", images, np.array([5, 5, 6], np.uint8), np.zeros((3, 10), np.float32)).is_distinct
        array([ True, False,  True])
        """
        seen: set[tuple[bytes, int]] = set()
        found = np.zeros(len(self.images), np.bool_)
        for index, key in enumerate(zip((image.tobytes() for image in self.images), self.labels.tolist(), strict=True)):
            found[index] = key not in seen
            seen.add(key)
        return found

    @property
    def duplicates(self) -> int:
        """Number of images that repeat an earlier one of the same label exactly."""
        return int((~self.is_distinct).sum())

    @property
    def alone(self) -> npt.NDArray[np.intp]:
        """Indices of up to 100 images, drawn at random once and for all, that an export also classifies one by one."""
        return np.sort(np.random.default_rng(0).permutation(len(self.images))[:ALONE])

    def scores_of(self, device: Device) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return the scores that an export gives all images in batches, and those that it gives `alone` one by one.

        Returns
        -------
        scores : ndarray of shape (n, k), dtype float32
        alone : ndarray of shape (min(n, 100), k), dtype float32
        """
        single = [device.predict_proba(self.images[index : index + 1]) for index in self.alone]
        return device.predict_proba(self.images), np.concatenate(single)
