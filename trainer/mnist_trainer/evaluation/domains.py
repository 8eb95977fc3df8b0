"""Measure the accuracy of models on digits of other people and machines than those of the test images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from mnist_trainer.augmentation.pen.draw import PRINT, SEVEN_SEGMENTS, draw_digits, draw_signs
from mnist_trainer.data.dataset import Dataset, Labels, check_digits
from mnist_trainer.evaluation.other_digits import SEED, pen_digits, sklearn_digits
from mnist_trainer.evaluation.predictor import Predictor

__all__ = ["Domains"]

DRAWN = 2_000
"""Pictures of each kind that the pen draws."""


@dataclass(frozen=True)
class Domains:
    """Accuracy and AUROC of one model. Create one with `Domains.measure`.

    Parameters
    ----------
    images : dict of str to int
        Domain -> number of images.
    accuracy : dict of str to float
        Domain -> fraction of right answers, 0..1.
    auroc : float
        Probability that the model is more confident of a test image than of a letter or sign that the pen draws.
    """

    images: dict[str, int]
    accuracy: dict[str, float]
    auroc: float

    @classmethod
    def measure(cls, predictors: Sequence[Predictor], data: Dataset) -> list[Domains]:
        """Classify the digits of each domain with each model.

        The domains are scikit-learn's 1,797 digits by 43 people; digits of a simulated pen in shapes that no training
        uses; printed digits and seven segments, with whose shapes the presets with a pen are trained.

        Parameters
        ----------
        predictors : sequence of Predictor
            The models.
        data : Dataset
            The test images, of which a model should be more confident than of letters.

        Raises
        ------
        UsageError
            If the data is not of digits in the form of MNIST.

        Examples
        --------
        >>> import numpy as np
        >>> from mnist_trainer import load_data
        >>> from mnist_trainer.evaluation.predictor import load_predictor
        >>> few = load_data("digits").test.take(np.arange(50), "test")
        >>> (found,) = Domains.measure([load_predictor("mlp", few)], few)
        >>> list(found.accuracy)
        ["scikit-learn's digits", 'pen, other shapes', 'printed', 'seven segments']
        """
        check_digits(data, "Domains are", "--domains")
        sets: dict[str, tuple[npt.NDArray[np.uint8], Labels]] = {
            "scikit-learn's digits": sklearn_digits(),
            "pen, other shapes": pen_digits(DRAWN),
            "printed": draw_digits(DRAWN, SEED, kinds=(PRINT,)),
            "seven segments": draw_digits(DRAWN, SEED, kinds=(SEVEN_SEGMENTS,)),
        }
        counts = {name: len(images) for name, (images, _) in sets.items()}
        signs = draw_signs(DRAWN, SEED)
        found = []
        for predict in predictors:
            accuracy = {
                name: float(np.mean(predict(images).argmax(axis=1) == labels))
                for name, (images, labels) in sets.items()
            }
            confidence = [predict(images).max(axis=1) for images in (data.images, signs)]
            is_digit = np.repeat([1, 0], [len(data), len(signs)])
            found.append(cls(counts, accuracy, float(roc_auc_score(is_digit, np.concatenate(confidence)))))
        return found

    def as_dict(self) -> dict[str, object]:
        """Return plain values, ready for JSON."""
        return {"images": self.images, "accuracy": self.accuracy, "auroc_signs": self.auroc}
