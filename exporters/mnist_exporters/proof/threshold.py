"""`choose_threshold`: the confidence below which a device gives no answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_exporters.proof.losses import Changes, lost_classes, unproven
from mnist_exporters.proof.reference import Reference
from mnist_exporters.proof.statistics import fraction_upper_95

__all__ = ["NO_THRESHOLD", "Threshold", "choose_threshold"]

REJECTED = 0.005
"""Largest fraction of images without an answer, one in 200. The limit applies to the test images with 95 % confidence,
and to the mean over all domains (the test images, and digits from other sources)."""

PART_OF_TOLERANCE = 0.25
"""Largest part of the tolerance for right answers below the threshold. The rest is for losses by the conversion."""

STEPS = 10_000
"""Number of steps in 0..1 to which a threshold is rounded down, so that rounding errors do not change a file."""


@dataclass(frozen=True)
class Threshold:
    """The confidence threshold of a file, and the one that the accuracy check applies.

    Parameters
    ----------
    value : float
        Confidence, 0..1, below which a device gives no answer.
    judged : float
        Threshold that the accuracy check applies, at least `value`. It is stricter because the test images are used to
        choose `value`: an image must not influence the threshold that is applied to it.
    """

    value: float
    judged: float


NO_THRESHOLD = Threshold(0.0, 0.0)
"""The threshold 0, with which every image gets an answer."""


def choose_threshold(
    reference: Reference,
    scores: npt.NDArray[np.float32],
    tolerance: float,
    others: Sequence[npt.NDArray[np.float32]] = (),
) -> Threshold:
    """Return the highest threshold with which an export still passes and answers nearly all images of all domains.

    The threshold is the confidence of one of the right answers on the different test images. The k right answers with a
    lower confidence are lost. If one of these k images were missing, the threshold would be the next higher confidence.
    So the accuracy check applies that one (leave one out), and k + 1 right answers count as lost. Two limits determine
    k: the lost answers use at most a quarter of the tolerance, and at most 0.5 % of all images have no answer, with
    95 % confidence.

    If no right answer may be lost, the threshold is half of the lowest confidence of a right answer, and the check
    applies half of the second lowest. An export that fails without a threshold gets no threshold.

    The confidence is lower for digits from other sources than for the test images. So the threshold is lowered if more
    than 0.5 % would have no answer, as the mean over the test images and each array of `others`.

    Parameters
    ----------
    reference : Reference
        The test images and the original's scores.
    scores : ndarray of shape (n, classes), dtype float32
        Scores of the export for them.
    tolerance : float
        Largest accepted accuracy loss, a fraction 0..1.
    others : sequence of ndarray of shape (m, classes), dtype float32
        Scores of the export for digits of each other domain.

    Examples
    --------
    >>> from mnist_runtime.artifact.task import Task
    >>> rng, task = np.random.default_rng(0), Task(8, 8, 1, ("cat", "dog"))
    >>> images, labels = rng.integers(0, 256, (4000, 8, 8), np.uint8), np.arange(4000) % 2
    >>> confidence = np.linspace(0.5, 1, 4000)
    >>> scores = np.where(np.arange(2) == labels[:, None], confidence[:, None], 1 - confidence[:, None])
    >>> reference = Reference("made up", images, labels, scores.astype(np.float32), task)
    >>> choose_threshold(reference, reference.scores, 0.01)
    Threshold(value=0.5011, judged=0.5012503266334534)
    """
    if not all(np.isfinite(part).all() for part in (scores, *others)):
        return NO_THRESHOLD
    distinct = reference.is_distinct
    labels, confidence = reference.labels[distinct], scores[distinct].max(axis=1).astype(np.float64)
    was_right = reference.scores[distinct].argmax(axis=1) == labels
    is_right = scores[distinct].argmax(axis=1) == labels
    lowest = np.sort(confidence[was_right & is_right])

    def is_proven(judged: float) -> bool:
        answered = is_right & (confidence >= judged)
        changes = Changes(was_right & ~answered, ~was_right & answered)
        by_class = [changes.among(labels == number) for number in range(scores.shape[1])]
        return not (unproven(changes, tolerance) or lost_classes(by_class, tolerance, reference.task))

    def is_allowed(judged: float) -> bool:
        turned_away = int((confidence < judged).sum())
        return fraction_upper_95(turned_away, len(confidence)) <= REJECTED and is_proven(judged)

    if len(lowest) < 2 or not is_proven(0.0):
        return NO_THRESHOLD
    ranks = min(math.floor(tolerance * PART_OF_TOLERANCE * len(labels)), len(lowest) - 1)
    # Bisection: losing the `low` least confident answers is allowed, losing `high` is not.
    low, high = 0, ranks + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if is_allowed(float(lowest[middle])) else (low, middle)
    if low > 0:
        found = Threshold(_rounded_down(float(lowest[low - 1])), float(lowest[low]))
    else:
        found = Threshold(_rounded_down(float(lowest[0]) / 2), float(lowest[1]) / 2)
    if others:
        found = _lowered(found, [confidence, *(part.max(axis=1).astype(np.float64) for part in others)])
    return found if low > 0 or is_proven(found.judged) else NO_THRESHOLD


def _lowered(found: Threshold, domains: Sequence[npt.NDArray[np.float64]]) -> Threshold:
    """Lower a threshold so that at most 0.5 % of the images have no answer, as the mean over the domains.

    Each domain has the confidences of its images. The first domain has those of the test images. For the accuracy
    check, the threshold is computed as if one of the test images were missing.
    """
    confidence = np.concatenate(domains)
    order = np.argsort(confidence, kind="stable")
    weights = np.concatenate([np.full(len(part), 1 / (len(domains) * len(part))) for part in domains])[order]
    below = np.cumsum(weights)  # including the image itself

    def highest(limit: float) -> float:
        return float(confidence[order[min(int((below <= limit).sum()), len(order) - 1)]])

    value, judged = highest(REJECTED), highest(REJECTED + 1 / (len(domains) * len(domains[0])))
    return Threshold(min(found.value, _rounded_down(value)), min(found.judged, judged))


def _rounded_down(value: float) -> float:
    return math.floor(value * STEPS) / STEPS
