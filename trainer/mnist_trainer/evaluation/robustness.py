"""`Robustness`: how a model does off the beaten path, on corrupted digits and on pictures without any."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnist_trainer.data.dataset import Dataset
from mnist_trainer.errors import MissingPackageError
from mnist_trainer.evaluation.mnist_c import CORRUPTIONS
from mnist_trainer.evaluation.out_of_distribution import NON_DIGITS
from mnist_trainer.evaluation.predictor import Predictor

__all__ = ["Robustness"]

PICTURES = 1000
"""Pictures of each kind of non-digit at the most, and no more than there are digits."""


@dataclass(frozen=True)
class Robustness:
    """What came out. Make one with `Robustness.measure`.

    Parameters
    ----------
    images : int
        Digits that each corruption befell.
    accuracy : dict of str to float
        Corruption -> share of right answers, 0..1.
    auroc : dict of str to float
        Kind of non-digit -> chance, 0..1, that the model is surer of a clean digit than of such a picture. 0.5 is that
        of a coin.
    """

    images: int
    accuracy: dict[str, float]
    auroc: dict[str, float]

    @property
    def mean_accuracy(self) -> float:
        """Mean over the corruptions, 0..1."""
        return float(np.mean(list(self.accuracy.values())))

    @property
    def mean_auroc(self) -> float:
        """Mean over the kinds of non-digits, 0..1."""
        return float(np.mean(list(self.auroc.values())))

    @classmethod
    def measure(cls, scorers: Sequence[Predictor], data: Dataset, seed: int = 0) -> list[Robustness]:
        """Ask about every digit of `data` under every corruption, and about at most a thousand non-digits of each kind.

        All models are asked about the same pictures, since drawing them takes longer than asking.

        A model's confidence is its best score; see D. Hendrycks and K. Gimpel, "A Baseline for Detecting Misclassified
        and Out-of-Distribution Examples in Neural Networks", 2017.

        Parameters
        ----------
        scorers : sequence of Predictor
            The models.
        data : Dataset
            The digits.
        seed : int
            Of the corruptions and of the non-digits.

        Returns
        -------
        list of Robustness
            One for each model.

        Raises
        ------
        MissingPackageError
            If scikit-image, which draws some of them, is not installed.

        Examples
        --------
        >>> from mnist_trainer import load_data
        >>> from mnist_trainer.evaluation.predictor import load_predictor
        >>> import numpy as np
        >>> few = load_data("digits").test.take(np.arange(50), "test")
        >>> (found,) = Robustness.measure([load_predictor("mlp", few)], few)
        >>> len(found.accuracy), 0 <= found.mean_accuracy <= 1
        (15, True)
        """
        if importlib.util.find_spec("skimage") is None:
            raise MissingPackageError(
                "Expected scikit-image, which draws some of the corruptions, it is not installed: "
                "pip install 'mnist-edge-export[robustness]'."
            )
        from sklearn.metrics import roc_auc_score

        accuracy: list[dict[str, float]] = [{} for _ in scorers]
        for name, corruption in CORRUPTIONS.items():
            images = corruption(data.images, seed)
            for score, right in zip(scorers, accuracy, strict=True):
                right[name] = float(np.mean(score(images).argmax(axis=1) == data.labels))
        sure = [score(data.images).max(axis=1) for score in scorers]
        auroc: list[dict[str, float]] = [{} for _ in scorers]
        for name, kind in NON_DIGITS.items():
            pictures = kind(min(PICTURES, len(data)), seed)
            is_digit = np.repeat([1, 0], [len(data), len(pictures)])
            for score, of_digits, area in zip(scorers, sure, auroc, strict=True):
                of_none = score(pictures).max(axis=1)
                area[name] = float(roc_auc_score(is_digit, np.concatenate([of_digits, of_none])))
        return [cls(len(data), *figures) for figures in zip(accuracy, auroc, strict=True)]

    def as_dict(self) -> dict[str, object]:
        """Return plain values, ready for JSON."""
        return {
            "images": self.images,
            "mean_accuracy": self.mean_accuracy,
            "accuracy": self.accuracy,
            "mean_auroc": self.mean_auroc,
            "auroc": self.auroc,
        }
