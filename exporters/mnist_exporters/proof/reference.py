"""`Reference`: test images and the scores of the original, with which all exports are compared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import UsageError
from mnist_exporters.inputs.cut_classes import lines_that_cut
from mnist_exporters.inputs.extremes import extreme_images
from mnist_exporters.inputs.labelled_images import ImageSet, LabelledImages, Labels
from mnist_exporters.inputs.near_copies import copies_among, copies_of
from mnist_exporters.inputs.original_model import OriginalModel
from mnist_exporters.inputs.repeatable import check_repeatable
from mnist_exporters.inputs.scaled_by_pixel import ScaledByPixel, scaled_by_pixel
from mnist_exporters.proof.orientation import Orientation, best_orientation
from mnist_runtime.artifact.task import DIGITS, Task

__all__ = ["USUAL_ACCURACY", "Reference"]

ALONE = 100
"""Number of images that an export also classifies one by one, in another order and twice."""

DOUBTED_BELOW = 0.8
"""Accuracy below which possible causes are tested: another pixel scaling, mirrored or rotated images, or wrong averages
in a batch normalization."""
USUAL_ACCURACY = 0.97
"""Accuracy that nearly all MNIST models with more than one layer reach. Below it, other scalings are tried."""

TRIED_IMAGES = 1_000
"""Number of test images on which other orientations, averages and scalings are tried."""

LEAST_OTHERS, MOST_OTHERS = 50, 1_500
"""Smallest and largest number of digits from each other domain; see `Reference.other_digits`."""


@dataclass(frozen=True, eq=False)
class Reference:
    """The test images and the scores of the original for them. All exports are compared with these.

    Parameters
    ----------
    dataset : str
        Name of the test data.
    images : ndarray of shape (n, h, w) or (n, h, w, 3), dtype uint8
        All test images.
    labels : ndarray of shape (n,), dtype uint8 or uint16
        Number of the class of each image.
    scores : ndarray of shape (n, k), dtype float32
        Scores of the original, 0..1.
    task : Task, optional
        Names of the classes, and size of the images. Default: digits.
    in_training : int, optional
        Number of images that are also training images, exactly or nearly. Default: not known, 0.
    extremes : ndarray of shape (34, k), dtype float32, optional
        Scores of the original for `extreme_images`. Default: not known.
    turned : tuple of (Orientation, float), optional
        The orientation of images in which the original is most accurate, and its accuracy then. Default: not known.
    takes_rows : bool
        Whether the original is a Keras model that takes an image as one row of pixels. Set with `turned`.
    renormalized : float, optional
        Accuracy of the original if its batch normalization uses averages from test images. Default: not known.
    pixel_doubt : str, optional
        Advice for the user, if the original is far more accurate with another pixel scaling. Default: none.
    by_pixel : ScaledByPixel, optional
        Finding that each pixel was scaled by its own mean and standard deviation. Default: none.
    cut : str
        Python code that removes the scores of classes without test images from the model; empty if there is none.
    """

    dataset: str
    images: npt.NDArray[np.uint8]
    labels: Labels
    scores: npt.NDArray[np.float32]
    task: Task = DIGITS
    in_training: int = 0
    extremes: npt.NDArray[np.float32] | None = None
    turned: tuple[Orientation, float] | None = None
    takes_rows: bool = False
    renormalized: float | None = None
    pixel_doubt: str | None = None
    by_pixel: ScaledByPixel | None = None
    cut: str = ""

    @classmethod
    def of(cls, original: OriginalModel, test: LabelledImages, training: LabelledImages | None = None) -> Reference:
        """Classify every image of `test` with `original`, and count those that are also images of `training`.

        Raises
        ------
        UsageError
            If there are no images.
        ModelError
            If the scores of an image change from call to call, or with other images of the batch.
        """
        if len(test.images) == 0:
            raise UsageError(f"{test.name} has no test images. The proof needs some.")
        scores = original.scores(test.images)
        check_repeatable(original, test.images, scores)
        shared = 0 if training is None else int(copies_of(test.images, training.images).sum())
        extremes = original.scores(extreme_images(test.images))
        found = cls(test.name, test.images, test.labels, scores, test.task, shared, extremes)
        if unused := sorted(set(range(len(test.task.labels))) - set(test.labels.tolist())):
            found = replace(found, cut=lines_that_cut(original, unused))
        if found.accuracy >= USUAL_ACCURACY:
            return found
        some = np.random.default_rng(0).permutation(len(test.images))[:TRIED_IMAGES]
        part = ImageSet(test.name, test.images[some], test.labels[some], test.task)
        if training is not None:
            found = replace(found, by_pixel=scaled_by_pixel(original, part, training))
        if found.accuracy >= DOUBTED_BELOW:
            return found
        found = replace(found, pixel_doubt=original.doubt_of_pixels(test, "original"))
        turned = best_orientation(original.scores, part)
        takes_rows = len(getattr(getattr(original, "model", None), "input_shape", ())) == 2
        renormalized = original.accuracy_with_new_averages(part)
        return replace(found, turned=turned, takes_rows=takes_rows, renormalized=renormalized)

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
        """Whether no earlier image of the same label has the same or nearly the same pixels, shape (n,).

        Only such images count in confidence intervals; see `mnist_exporters.inputs.near_copies`.

        Examples
        --------
        >>> images = np.zeros((3, 28, 28), np.uint8)
        >>> Reference("zeros", images, np.array([5, 5, 6], np.uint8), np.zeros((3, 10), np.float32)).is_distinct
        array([ True, False,  True])
        """
        return ~copies_among(self.images, self.labels)

    @property
    def duplicates(self) -> int:
        """Number of images that repeat an earlier one of the same label, exactly or nearly."""
        return int((~self.is_distinct).sum())

    @cached_property
    def other_digits(self) -> tuple[npt.NDArray[np.uint8], ...]:
        """Digits of other writers, of a simulated pen, and corrupted ones, one array each; empty for other classes.

        Classifying them takes half as long as the test images. The result is also empty for small test sets, with which
        a rate of one in 200 cannot be shown.
        """
        count = min(MOST_OTHERS, len(self.images) // 5)
        if not self.task.is_mnist or count < LEAST_OTHERS:
            return ()
        from mnist_trainer.evaluation.other_digits import other_digits  # scikit-learn, SciPy

        found = other_digits(self.dataset, self.images, self.labels, count)
        return tuple(images for images, _ in found.values())

    @property
    def alone(self) -> npt.NDArray[np.intp]:
        """Indices of up to `ALONE` images that an export also classifies one by one and in other orders.

        They are the same for each export.
        """
        return np.sort(np.random.default_rng(0).permutation(len(self.images))[:ALONE])
