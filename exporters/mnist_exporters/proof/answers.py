"""`Answers`: the scores of an export for all test images, and for some of them also in other batches and orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mnist_exporters.inputs.extremes import EXTREMES, extreme_images
from mnist_exporters.proof.reference import Reference
from mnist_runtime.errors import NotFiniteError

__all__ = ["Answers", "LoadedFile", "scores_or_nan"]

Scores = npt.NDArray[np.float32]


class LoadedFile(Protocol):
    """A file that is compared with its original, such as `mnist_runtime.Classifier`."""

    def predict_proba(self, images: npt.NDArray[np.uint8]) -> Scores:
        """Return scores 0..1, float32 (n, k), for raw pixels, uint8 (n, h, w) or (n, h, w, 3)."""
        ...


def scores_or_nan(file: LoadedFile, images: npt.NDArray[np.uint8], classes: int) -> Scores:
    """Return the scores of `file` for `images`; nan for all images if any score is nan or infinity."""
    try:
        return file.predict_proba(images)
    except NotFiniteError:
        return np.full((len(images), classes), np.nan, np.float32)


@dataclass(frozen=True, eq=False)
class Answers:
    """The scores of an export.

    Parameters
    ----------
    scores : ndarray of shape (n, k), dtype float32
        For all test images, in batches.
    alone, permuted : ndarray of shape (m, k), dtype float32, optional
        For the images ``reference.alone``, one by one, and in another order.
    before, after : ndarray of shape (m, k), dtype float32, optional
        For the same images in one batch, before and after all test images are classified.
    extremes : ndarray of shape (34, k), dtype float32, optional
        For `extreme_images`.
    """

    scores: Scores
    alone: Scores | None = None
    permuted: Scores | None = None
    before: Scores | None = None
    after: Scores | None = None
    extremes: Scores | None = None

    @classmethod
    def of(cls, file: LoadedFile, reference: Reference) -> Answers:
        """Run an export on the test images of `reference`; see `scores_or_nan` for scores that are not finite."""

        def scores_of(images: npt.NDArray[np.uint8]) -> Scores:
            return scores_or_nan(file, images, reference.scores.shape[1])

        chosen = reference.images[reference.alone]
        order = np.random.default_rng(1).permutation(len(chosen))
        permuted = np.empty((len(chosen), reference.scores.shape[1]), np.float32)
        before = scores_of(chosen)
        alone = np.concatenate([scores_of(image[None]) for image in chosen])
        scores = scores_of(reference.images)
        permuted[order] = scores_of(chosen[order])
        extremes = extreme_images(reference.images)
        kinds = np.array(EXTREMES)
        parts = [scores_of(extremes[kinds == kind]) for kind in dict.fromkeys(EXTREMES)]  # in the order of `EXTREMES`
        return cls(scores, alone, permuted, before, scores_of(chosen), np.concatenate(parts))
