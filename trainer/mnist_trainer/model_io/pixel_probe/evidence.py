"""`Evidence`: accuracy, loss and temperature of a model with one pixel convention, and how to choose between them."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_trainer.data.dataset import Labels
from mnist_trainer.recipes.pixel_scaling import PixelScaling

__all__ = ["PLAUSIBLE", "Evidence", "best_conventions", "is_clear", "log_scores", "without_borrowed"]

Floats = npt.NDArray[np.float32]

CLEAR = 3.0
"""Number of standard errors from which a paired difference counts as real.

It is high, because fourteen conventions are compared.
"""

PLAUSIBLE = (0.25, 40.0)
"""Range of temperatures of trained models. In docs/experiments/pixel-conventions.md, the true convention has 0.4 to 34.
With pixels that are 100 or 255 times too large, the temperature is above 45."""

LEAST_GAIN_OF_IMPLAUSIBLE = 0.02
"""Gain in accuracy, as a fraction, from which a convention is accepted although its temperature is implausible."""

ONE_HOT = 0.6
"""Squared error, summed over the classes, up to which a model counts as trained with one-hot targets and no softmax.

Such models for digits had errors of 0.2 to 0.6. Logits had at least 0.8 with any convention, and scores of 0 for all
classes have 1. If the targets were 1 and -1, the scores are first mapped to 1 and 0.
"""

SMOOTHING = 0.01
"""Label smoothing: fraction of each target that is spread over all classes."""

TINY = 1e-38
"""Scores are raised to this value before the logarithm is taken."""

HIDDEN = -60.0
"""If the logarithm of the second largest score is below this, rounding has hidden how high the confidence is."""

COARSE = 1e-4
"""If the smallest score above 0 is at least this, scores of exactly 0 come from rounding to steps such as 1/256. Float
scores become 0 only below 1e-38."""

TEMPERATURE_IMAGES = 1000
"""Number of images on which the temperature is fitted. More images hardly change it."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Accuracy, loss and temperature of a model with one pixel convention.

    Parameters
    ----------
    right : ndarray of shape (n,), dtype bool
        Whether the answer is the label, for each image.
    losses : ndarray of shape (n,), dtype float64
        Cross-entropy with the label, for each image, after the temperature was fitted.
    temperature : float
        Divisor of the logits that minimizes the mean loss, about 1 for a trained model. If it is much larger, the
        confidences are too high; if it is much smaller, they are too low.
    errors : ndarray of shape (n,), dtype float64
        Squared error for each image, summed over the classes, against the targets 1 for the right class and 0 for the
        others. If the model was trained with 1 and -1, the scores are mapped to 1 and 0 first.
    """

    right: npt.NDArray[np.bool_]
    losses: npt.NDArray[np.float64]
    temperature: float
    errors: npt.NDArray[np.float64]

    @classmethod
    def of(cls, logits: Floats, labels: Labels) -> Evidence:
        """Compare logits, float32 (n, k), with labels. If a logit is not finite, all answers count as wrong.

        The temperature is that of C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4.2.
        """
        from scipy.optimize import minimize_scalar

        if not np.isfinite(logits).all():
            infinite = np.full(len(labels), np.inf)
            return cls(np.zeros(len(labels), bool), infinite, math.inf, infinite)
        some = slice(None, None, max(1, len(labels) // TEMPERATURE_IMAGES))

        def mean_loss(exponent: float) -> float:
            return float(_losses(logits[some], labels[some], 2**exponent).mean())

        exponent = minimize_scalar(mean_loss, bounds=(-12, 14), method="bounded", options={"xatol": 0.02}).x
        losses = _losses(logits, labels, 2**exponent)
        return cls(logits.argmax(axis=1) == labels, losses, float(2**exponent), _errors(logits, labels))

    @property
    def is_finite(self) -> bool:
        """Whether all scores were finite."""
        return math.isfinite(self.temperature)

    @property
    def is_plausible(self) -> bool:
        """Whether the confidences are about as high as those of a trained model."""
        return PLAUSIBLE[0] <= self.temperature <= PLAUSIBLE[1]

    @property
    def is_one_hot(self) -> bool:
        """Whether scores are near 1 for the right class and near 0 (or -1) for others, as after training with MSE."""
        return float(self.errors.mean()) <= ONE_HOT


def _errors(logits: Floats, labels: Labels) -> npt.NDArray[np.float64]:
    """Return `Evidence.errors`.

    Logits have a mean of about 0. Such scores, with 2 more for the right class, have the error (k - 2)² / 4k if 1 and
    -1 are expected of k classes; the errors of few classes must be clearly below that.
    """
    classes = logits.shape[1]
    right = np.eye(classes)[labels]
    signed = np.square((logits.astype(np.float64) + 1) / 2 - right).sum(axis=1)
    if signed.mean() <= ONE_HOT * min(1, (classes - 2) ** 2 / (4 * classes)):
        return np.asarray(signed)
    return np.asarray(np.square(logits - right).sum(axis=1))


def _losses(logits: Floats, labels: Labels, temperature: float) -> npt.NDArray[np.float64]:
    """Return the cross-entropy with smoothed labels.

    Without smoothing, no best temperature exists if all answers are right.
    """
    scaled = logits / np.float32(temperature)
    shifted = scaled - scaled.max(axis=1, keepdims=True)
    expected = (1 - SMOOTHING) * shifted[np.arange(len(labels)), labels] + SMOOTHING * shifted.mean(axis=1)
    return np.asarray(np.log(np.exp(shifted).sum(axis=1)) - expected, np.float64)


def best_conventions(evidence: dict[PixelScaling, Evidence]) -> list[PixelScaling]:
    """Return the conventions that are not clearly worse than any other one."""
    candidates = {scaling: one for scaling, one in evidence.items() if one.is_finite}
    plausible = {scaling: one for scaling, one in candidates.items() if one.is_one_hot}
    if not plausible:
        plausible = {scaling: one for scaling, one in candidates.items() if one.is_plausible}
    if plausible and _accuracy(candidates) < _accuracy(plausible) + LEAST_GAIN_OF_IMPLAUSIBLE:
        candidates = plausible
    most = max(candidates.values(), key=lambda one: int(one.right.sum()))
    most_right = most.right.astype(float)
    candidates = {scaling: one for scaling, one in candidates.items() if not is_clear(most_right - one.right)}
    is_one_hot = all(one.is_one_hot for one in candidates.values())
    losses = {scaling: one.errors if is_one_hot else one.losses for scaling, one in candidates.items()}
    least = min(losses.values(), key=lambda each: float(each.mean()))
    return [scaling for scaling, each in losses.items() if not is_clear(each - least)]


def without_borrowed(
    evidence: dict[PixelScaling, Evidence], borrowed: Collection[PixelScaling]
) -> dict[PixelScaling, Evidence]:
    """Leave out each of the `borrowed` conventions that is not clearly more accurate than the best of the others.

    Borrowed conventions use the mean and deviation of other images than the model's. A slightly lower loss does not
    prove that the model was trained with them: for a weak model, wrong numbers may fit a little better.
    """
    others = [
        one for scaling, one in evidence.items() if scaling not in borrowed and (one.is_one_hot or one.is_plausible)
    ]
    if not others:
        return evidence
    best = max(others, key=lambda one: int(one.right.sum()))
    return {
        scaling: one
        for scaling, one in evidence.items()
        if scaling not in borrowed or is_clear(one.right.astype(float) - best.right)
    }


def _accuracy(evidence: dict[PixelScaling, Evidence]) -> float:
    return max(float(one.right.mean()) for one in evidence.values())


def is_clear(differences: npt.NDArray[np.float64]) -> bool:
    """Return whether the mean of paired differences is clearly above 0."""
    return bool(differences.mean() > CLEAR * differences.std() / math.sqrt(len(differences)) + 1e-12)


def log_scores(scores: Floats, smallest: float = TINY) -> Floats:
    """Return the logarithm of scores 0..1, as a replacement for logits that the model does not give access to.

    Parameters
    ----------
    scores : ndarray of shape (n, k), dtype float32
        Scores of the model. They are returned unchanged if one is outside of 0..1.
    smallest : float, optional
        Smaller scores are raised to this value before the logarithm. If the scores show larger quantization steps,
        half of such a step is used instead.
    """
    if scores.min() < 0 or scores.max() > 1:
        return scores
    positive = scores[scores > 0]
    if len(positive) < scores.size and positive.size and (step := float(positive.min())) >= COARSE:
        smallest = max(smallest, step / 2)
    found = np.log(np.maximum(scores, smallest))
    found[np.partition(found, -2)[:, -2] < HIDDEN] *= 10  # rounding hides the real difference, so make it large
    return np.asarray(found, np.float32)
