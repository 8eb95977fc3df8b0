"""`Prediction`: the class of a picture, such as its digit, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_runtime.system.process import usual_errors

__all__ = ["Prediction", "Reason", "scores_of_logits"]

Reason = Literal["blank", "scribble", "several", "size", "unsure"]
"""Why a prediction has no label."""


def _sigmoid(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    # exp(-|x|) cannot overflow.
    power = np.exp(-np.abs(logits))
    return np.asarray(np.where(logits < 0, power, 1) / (1 + power))


def _softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


FUNCTIONS: dict[str, Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]] = {
    "sigmoid": _sigmoid,
    "softmax": _softmax,
}
"""Activation in a manifest -> function of the logits of any number of images."""


def scores_of_logits(logits: npt.NDArray[Any], activation: str) -> npt.NDArray[np.float32]:
    """Apply an activation to dequantized logits.

    Parameters
    ----------
    logits : ndarray of shape (n, k), a floating dtype
        Output of a model whose file lacks the activation.
    activation : {"sigmoid", "softmax"}
        The activation in the file's manifest.

    Returns
    -------
    ndarray of shape (n, k), dtype float32
        Scores, 0..1.

    Examples
    --------
    >>> scores_of_logits(np.array([[0.0, -1000.0]]), "sigmoid").tolist()
    [[0.5, 0.0]]
    >>> scores_of_logits(np.array([[1000.0, 1000.0]]), "softmax").tolist()
    [[0.5, 0.5]]
    """
    with usual_errors():
        return FUNCTIONS[activation](logits.astype(np.float64)).astype(np.float32)


@dataclass(frozen=True)
class Prediction:
    """Result of a classifier for one picture.

    Parameters
    ----------
    digit : int or None
        The digit, 0..9; None if there is no `label`, or if any label of the model is not a digit.
    confidence : float
        The best score, 0..1; 0 for a blank picture.
    ranking : tuple of (int, float)
        Every class, by its index in the manifest's labels, with its score, the best first; empty for a blank picture,
        and for several digits. With the ten digits in order, the index is the digit.
    reason : {"blank", "scribble", "several", "size", "unsure"} or None
        Why there is no label, in this order: no clear strokes, too many holes in the strokes, several digits (see
        `mnist_runtime.read`), a symbol of another size than most on its page, or a confidence below the model's
        threshold. None with a label. The first four only occur in files with the preparation ``"mnist"``.
    marks : int
        Number of symbols with the size of a digit; above 1 only if the picture shows several digits.
    label : str or None
        The name of the class, or None.
    labels : tuple of str
        The labels of the `ranking`, in its order.

    Examples
    --------
    >>> found = Prediction.of(np.array([0, 0, 0.25, 0, 0, 0.75, 0, 0, 0, 0]), threshold=0.5)
    >>> found.digit, found.confidence, found.ranking[1]
    (5, 0.75, (2, 0.25))
    >>> found.label, found.labels[:2]
    ('5', ('5', '2'))
    >>> Prediction.of(np.full(10, 0.1), threshold=0.5).reason
    'unsure'
    """

    digit: int | None
    confidence: float = 0.0
    ranking: tuple[tuple[int, float], ...] = ()
    reason: Reason | None = None
    marks: int = 1
    label: str | None = None
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # Callers may give only digits.
        if self.digit is not None and self.label is None:
            object.__setattr__(self, "label", str(self.digit))
        if len(self.labels) < len(self.ranking):
            object.__setattr__(self, "labels", tuple(str(index) for index, _ in self.ranking))

    @classmethod
    def of(cls, scores: npt.NDArray[Any], threshold: float, task: Task = DIGITS) -> Prediction:
        """Return the prediction for the scores, 0..1, of one image; without a label if all are below `threshold`."""
        order = np.argsort(-scores, kind="stable")
        ranking = tuple((int(index), float(scores[index])) for index in order)
        labels = tuple(task.labels[index] for index, _ in ranking)
        best, confidence = ranking[0]
        if confidence < threshold:
            return cls(None, confidence, ranking, "unsure", labels=labels)
        return cls(task.digits[best] if task.digits else None, confidence, ranking, label=labels[0], labels=labels)

    def without_label(self, reason: Reason) -> Prediction:
        """Return a copy without a label, with this `reason`."""
        return replace(self, digit=None, label=None, reason=reason)
