"""`Robustness`: how a model does off the beaten path, on corrupted digits and on pictures without any."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

import numpy as np

from mnist_trainer.corruption import CORRUPTIONS
from mnist_trainer.dataset import Dataset
from mnist_trainer.errors import MissingPackageError
from mnist_trainer.non_digit import NON_DIGITS
from mnist_trainer.scorer import Scorer

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
    def measure(cls, score: Scorer, data: Dataset, seed: int = 0) -> Robustness:
        """Ask about every digit of `data` under every corruption, and about at most a thousand non-digits of each kind.

        A model's confidence is its best score; see D. Hendrycks and K. Gimpel, "A Baseline for Detecting Misclassified
        and Out-of-Distribution Examples in Neural Networks", 2017.

        Parameters
        ----------
        score : Scorer
            The model.
        data : Dataset
            The digits.
        seed : int
            Of the corruptions and of the non-digits.

        Raises
        ------
        MissingPackageError
            If scikit-image, which draws some of them, is not installed.

        Examples
        --------
        >>> from mnist_trainer import load_data
        >>> from mnist_trainer.scorer import load_scorer
        >>> import numpy as np
        >>> few = load_data("digits").test.take(np.arange(50), "test")
        >>> found = Robustness.measure(load_scorer("mlp"), few)
        >>> len(found.accuracy), 0 <= found.mean_accuracy <= 1
        (15, True)
        """
        if importlib.util.find_spec("skimage") is None:
            raise MissingPackageError(
                "Expected scikit-image, which draws some of the corruptions, it is not installed: "
                "pip install 'mnist-edge-export[robustness]'."
            )
        from sklearn.metrics import roc_auc_score

        accuracy = {
            name: float(np.mean(score(corruption(data.images, seed)).argmax(axis=1) == data.labels))
            for name, corruption in CORRUPTIONS.items()
        }
        sure = score(data.images).max(axis=1)
        auroc = {}
        for name, kind in NON_DIGITS.items():
            unsure = score(kind(min(PICTURES, len(data)), seed)).max(axis=1)
            is_digit = np.repeat([1, 0], [len(sure), len(unsure)])
            auroc[name] = float(roc_auc_score(is_digit, np.concatenate([sure, unsure])))
        return cls(len(data), accuracy, auroc)

    def as_dict(self) -> dict[str, object]:
        """Return plain values, ready for JSON."""
        return {
            "images": self.images,
            "mean_accuracy": self.mean_accuracy,
            "accuracy": self.accuracy,
            "mean_auroc": self.mean_auroc,
            "auroc": self.auroc,
        }
