"""`Evaluation`: accuracy, confusion matrix and calibration of a model on a data set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest
from sklearn.metrics import classification_report, confusion_matrix

from mnist_trainer.data.dataset import Dataset
from mnist_trainer.evaluation.predictor import Predictor, predictor_of
from mnist_trainer.model_io.measured.digit_model import DigitModel
from mnist_trainer.recipes.pixel_scaling import PixelScaling

if TYPE_CHECKING:
    import keras

__all__ = ["BINS", "Evaluation", "evaluate"]

BINS = 15
"""Number of confidence bins for the expected calibration error; 15 is usual in publications."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The scores of a model for the images of a data set, and the figures computed from them.

    Create it with `evaluate` or `Evaluation.of`.

    Parameters
    ----------
    data : Dataset
        The images.
    scores : ndarray of shape (n, k), dtype float32
        Scores of the model, 0..1.
    """

    data: Dataset
    scores: npt.NDArray[np.float32]

    @classmethod
    def of(cls, predictor: Predictor, data: Dataset) -> Evaluation:
        """Classify every image of `data` with any model, given as a `Predictor`."""
        return cls(data, predictor(data.images))

    @cached_property
    def answers(self) -> npt.NDArray[np.int64]:
        """The model's answers: the class number with the highest score for each image, int64 (n,)."""
        return np.asarray(self.scores.argmax(axis=1))

    @cached_property
    def right(self) -> npt.NDArray[np.bool_]:
        """Whether the answer equals the label, for each image, bool (n,)."""
        return np.asarray(self.answers == self.data.labels)

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.data)

    @property
    def accuracy(self) -> float:
        """Fraction of right answers, 0..1."""
        return float(self.right.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the accuracy, 0..1 (E. B. Wilson 1927)."""
        found = binomtest(int(self.right.sum()), self.images).proportion_ci(method="wilson")
        return float(found.low), float(found.high)

    @cached_property
    def confusion(self) -> npt.NDArray[np.int64]:
        """Confusion matrix, int64 (k, k): number of images for each true class (row) and answer (column)."""
        return np.asarray(confusion_matrix(self.data.labels, self.answers, labels=range(len(self.data.task.labels))))

    @cached_property
    def by_class(self) -> dict[str, dict[str, float]]:
        """Precision, recall, F1 score and number of images of each class, and their means, from scikit-learn."""
        numbers = range(len(self.data.task.labels))
        report: dict[str, Any] = classification_report(
            self.data.labels, self.answers, labels=numbers, output_dict=True, zero_division=0
        )
        rows = {name: report.pop(str(number)) for number, name in enumerate(self.data.task.labels)}
        means = {name: row for name, row in report.items() if isinstance(row, dict) and name not in rows}
        return rows | means

    @property
    def confused(self) -> list[tuple[str, str, int]]:
        """Pairs of confused classes, most frequent first: the true class, the wrong answer, the number of images."""
        names, counts = self.data.task.labels, self.confusion - np.diag(np.diag(self.confusion))
        order = np.argsort(-counts, axis=None, kind="stable")[: int((counts > 0).sum())]
        pairs = zip(*np.unravel_index(order, counts.shape), strict=True)
        return [(names[truth], names[answer], int(counts[truth, answer])) for truth, answer in pairs]

    @property
    def calibration_error(self) -> float:
        """Expected calibration error, 0..1: mean difference between confidence and accuracy, in 15 bins of confidence.

        Source: C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 5.
        """
        confidence = self.scores.max(axis=1)
        bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
        gaps = np.bincount(bins, confidence - self.right, minlength=BINS)
        return float(np.abs(gaps).sum() / self.images)

    @property
    def mistakes(self) -> npt.NDArray[np.intp]:
        """Indices of the images with a wrong answer, the most confident answer first."""
        wrong = np.flatnonzero(~self.right)
        return wrong[np.argsort(-self.scores[wrong].max(axis=1), kind="stable")]

    def as_dict(self) -> dict[str, object]:
        """Return the figures as values for JSON."""
        names: dict[str, object] = {"labels": list(self.data.task.labels), "by_class": self.by_class}
        if self.data.task.is_mnist:
            names = {"by_digit": self.by_class}
        return {
            "dataset": self.data.name,
            "split": self.data.split,
            "images": self.images,
            "accuracy": self.accuracy,
            "accuracy_interval_95": self.interval,
            "expected_calibration_error": self.calibration_error,
            "confusion": self.confusion.tolist(),
            **names,
            "mistakes": [int(index) for index in self.mistakes],
        }


def evaluate(model: keras.Model, data: Dataset, pixel_range: PixelScaling | str | None = None) -> Evaluation:
    """Classify every image of `data` with a Keras model and compare the answers with the labels.

    Parameters
    ----------
    model : keras.Model
        A model that maps the images of `data`, such as ``(n, 28, 28)``, ``(n, 28, 28, 1)`` or ``(n, 784)``, to a score
        for each class.
    data : Dataset
        The images.
    pixel_range : PixelScaling or str, optional
        How the pixels were scaled in training, such as ``"-1..1"``. Default: measured on `data`.

    Raises
    ------
    ModelError
        If the model has another input or output shape, fails, or gives scores that are not finite.

    Examples
    --------
    >>> from mnist_trainer import load_data, load_model
    >>> evaluate(load_model("cnn"), load_data("digits").test).accuracy > 0.9
    True
    """
    return Evaluation.of(predictor_of(DigitModel.measure(model, data, given=pixel_range)), data)
