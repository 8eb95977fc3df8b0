"""`Prediction`: the digit that a picture shows, or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Prediction"]


@dataclass(frozen=True)
class Prediction:
    """Result of a classifier for one picture.

    Parameters
    ----------
    digit : int or None
        The digit, 0..9. None if the picture is blank or a scribble, or the confidence is below the model's threshold.
    confidence : float
        The best score, 0..1; 0 for a blank picture.
    ranking : tuple of (int, float)
        Every digit with its score, the best first; empty for a blank picture.

    Examples
    --------
    >>> found = Prediction.of(np.array([0, 0, 0.25, 0, 0, 0.75, 0, 0, 0, 0]), threshold=0.5)
    >>> found.digit, found.confidence, found.ranking[1]
    (5, 0.75, (2, 0.25))
    >>> Prediction.of(np.full(10, 0.1), threshold=0.5).digit is None
    True
    """

    digit: int | None
    confidence: float = 0.0
    ranking: tuple[tuple[int, float], ...] = ()

    @classmethod
    def of(cls, scores: npt.NDArray[Any], threshold: float) -> Prediction:
        """Return the prediction for ten scores 0..1; the best one needs at least `threshold`."""
        order = np.argsort(-scores, kind="stable")
        ranking = tuple((int(digit), float(scores[digit])) for digit in order)
        digit, confidence = ranking[0]
        return cls(digit if confidence >= threshold else None, confidence, ranking)
