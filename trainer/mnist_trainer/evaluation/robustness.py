"""Measure the accuracy of models on corrupted digits, and their confidence for pictures without a digit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from mnist_runtime.system.terminal import Progress, step_of
from mnist_trainer.data.dataset import Dataset, check_digits
from mnist_trainer.errors import require_extras
from mnist_trainer.evaluation.mnist_c import CORRUPTIONS
from mnist_trainer.evaluation.out_of_distribution import NON_DIGITS
from mnist_trainer.evaluation.predictor import Predictor

__all__ = ["STEPS", "TYPICAL", "Robustness"]

PICTURES = 1000
"""Largest number of pictures of each kind of non-digit. There are never more than digits."""
STEPS = len(CORRUPTIONS) + len(NON_DIGITS)
TYPICAL = 2.0
"""Typical duration of one step of the measurement, in seconds, for the progress display."""


@dataclass(frozen=True)
class Robustness:
    """Accuracy of one model on corrupted digits, and its AUROC for non-digits. Create it with `Robustness.measure`.

    Parameters
    ----------
    images : int
        Number of digits, each of which was corrupted in every way.
    accuracy : dict of str to float
        Corruption -> fraction of right answers, 0..1.
    auroc : dict of str to float
        Kind of non-digit -> probability, 0..1, that the model is more confident for a clean digit than for such a
        picture. A model that cannot tell them apart has 0.5.
    """

    images: int
    accuracy: dict[str, float]
    auroc: dict[str, float]

    @property
    def mean_accuracy(self) -> float:
        """Mean accuracy over the corruptions, 0..1."""
        return float(np.mean(list(self.accuracy.values())))

    @property
    def mean_auroc(self) -> float:
        """Mean AUROC over the kinds of non-digits, 0..1."""
        return float(np.mean(list(self.auroc.values())))

    @classmethod
    def measure(
        cls, predictors: Sequence[Predictor], data: Dataset, seed: int = 0, progress: Progress | None = None
    ) -> list[Robustness]:
        """Classify every digit of `data` under every corruption, and up to 1,000 non-digits of each kind.

        All models classify the same pictures, because drawing takes longer than classifying. The confidence of a model
        is its highest score, as in D. Hendrycks and K. Gimpel, "A Baseline for Detecting Misclassified and
        Out-of-Distribution Examples in Neural Networks", 2017.

        Parameters
        ----------
        predictors : sequence of Predictor
            The models.
        data : Dataset
            The digits.
        seed : int
            Seed of the corruptions and of the non-digits.
        progress : Progress, optional
            Display of the progress: one step of `TYPICAL` seconds for each of the `STEPS` kinds of pictures.

        Returns
        -------
        list of Robustness
            Results of each model, in the order of `predictors`.

        Raises
        ------
        MissingPackageError
            If scikit-image is not installed; it draws some of the pictures.
        UsageError
            If the data is not of digits in the form of MNIST.

        Examples
        --------
        >>> import numpy as np
        >>> from mnist_trainer import load_data
        >>> from mnist_trainer.evaluation.predictor import load_predictor
        >>> few = load_data("digits").test.take(np.arange(50), "test")
        >>> (found,) = Robustness.measure([load_predictor("mlp", few)], few)
        >>> len(found.accuracy), 0 <= found.mean_accuracy <= 1
        (15, True)
        """
        require_extras(robustness="Robustness")
        check_digits(data, "Robustness is", "--robustness")
        accuracy: list[dict[str, float]] = [{} for _ in predictors]
        for name, corruption in CORRUPTIONS.items():
            with step_of(progress, f"classifying corrupted images: {name}", TYPICAL):
                images = corruption(data.images, seed)
                for predict, found in zip(predictors, accuracy, strict=True):
                    found[name] = float(np.mean(predict(images).argmax(axis=1) == data.labels))
        confidence = [predict(data.images).max(axis=1) for predict in predictors]
        auroc: list[dict[str, float]] = [{} for _ in predictors]
        for name, kind in NON_DIGITS.items():
            with step_of(progress, f"classifying non-digits: {name}", TYPICAL):
                pictures = kind(min(PICTURES, len(data)), seed)
                is_digit = np.repeat([1, 0], [len(data), len(pictures)])
                for predict, on_digits, area in zip(predictors, confidence, auroc, strict=True):
                    on_others = predict(pictures).max(axis=1)
                    area[name] = float(roc_auc_score(is_digit, np.concatenate([on_digits, on_others])))
        return [cls(len(data), *figures) for figures in zip(accuracy, auroc, strict=True)]

    def as_dict(self) -> dict[str, object]:
        """Return the results as values for JSON."""
        return {
            "images": self.images,
            "mean_accuracy": self.mean_accuracy,
            "accuracy": self.accuracy,
            "mean_auroc": self.mean_auroc,
            "auroc": self.auroc,
        }
