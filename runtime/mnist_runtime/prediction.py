"""`Prediction`: what one picture shows, or that it shows no digit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Prediction"]


@dataclass(frozen=True)
class Prediction:
    """What a classifier says about one picture.

    Parameters
    ----------
    digit : int or None
        The answer, 0..9. None where the picture shows no digit: nothing at all, a scribble, or something of which no
        digit reaches the confidence that the model's manifest asks for.
    confidence : float
        The best score, 0..1; 0 where the picture is blank.
    ranking : tuple of (int, float)
        Every digit with its score, the best first; empty where the picture is blank.

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
        """Return the prediction that ten `scores` 0..1 amount to; the best counts from `threshold` on."""
        order = np.argsort(-scores, kind="stable")
        ranking = tuple((int(digit), float(scores[digit])) for digit in order)
        digit, confidence = ranking[0]
        return cls(digit if confidence >= threshold else None, confidence, ranking)
