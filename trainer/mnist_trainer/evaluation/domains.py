"""Measure the accuracy of models on digits from other sources than the test images: other people, print, displays."""

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
"""Number of pictures of each kind that the simulated pen draws."""


@dataclass(frozen=True)
class Domains:
    """Accuracy of one model on digits from other sources, and its AUROC for letters. Create it with `Domains.measure`.

    Parameters
    ----------
    images : dict of str to int
        Domain -> number of images.
    accuracy : dict of str to float
        Domain -> fraction of right answers, 0..1.
    auroc : float
        Probability, 0..1, that the model is more confident for a test image than for a letter or sign drawn by the pen.
    """

    images: dict[str, int]
    accuracy: dict[str, float]
    auroc: float

    @classmethod
    def measure(cls, predictors: Sequence[Predictor], data: Dataset) -> list[Domains]:
        """Classify the digits of each domain with each model.

        The domains are: scikit-learn's 1,797 digits by 43 people; digits of a simulated pen, in shapes that are never
        used for training; printed digits; and seven-segment digits. Recipes with a pen do train on the last two.

        Parameters
        ----------
        predictors : sequence of Predictor
            The models.
        data : Dataset
            The test images. A model should be more confident for them than for letters.

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
        """Return the results as values for JSON."""
        return {"images": self.images, "accuracy": self.accuracy, "auroc_signs": self.auroc}
