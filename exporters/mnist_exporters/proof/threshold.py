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
"""Largest fraction of real images without an answer, one in 200. It holds for the test images with 95 % confidence, and
for the mean over all domains (the test images, and digits of other origins)."""

PART_OF_TOLERANCE = 0.25
"""Largest part of the tolerance that right answers without an answer may take; the rest is for the conversion."""

STEPS = 10_000
"""A threshold is rounded down to this many steps in 0..1, so that the last bits of a sum do not change a file."""


@dataclass(frozen=True)
class Threshold:
    """A threshold of a file.

    Parameters
    ----------
    value : float
        Confidence, 0..1, below which a device gives no answer.
    judged : float
        The threshold that the accuracy check applies, at least `value`, because no image may help to choose the
        threshold that is applied to it.
    """

    value: float
    judged: float


NO_THRESHOLD = Threshold(0.0, 0.0)
"""Every image gets an answer."""


def choose_threshold(
    reference: Reference,
    scores: npt.NDArray[np.float32],
    tolerance: float,
    others: Sequence[npt.NDArray[np.float32]] = (),
) -> Threshold:
    """Return the highest threshold with which an export is still proven, and answers digits of all domains.

    The threshold is the confidence of a right answer on different, unseen images; the k right answers with a lower
    confidence are lost. Without one of these k images, the threshold would be the next higher confidence. So the
    accuracy check applies that one (leave one out): k + 1 right answers count as lost. k is as large as two limits
    allow: the lost answers take at most a quarter of the tolerance, and at most 0.5 % of all images have no answer,
    with 95 % confidence.

    If not even one right answer may be lost, the threshold is half of the lowest confidence of a right answer, and the
    check applies half of the next one. An export that is refused without a threshold has none.

    A network is less sure of digits of other origins than of the test images. So the threshold is lower if it would
    leave more than 0.5 % without an answer, as the mean over the test images and each of `others`.

    Parameters
    ----------
    reference : Reference
        The test images and the original's scores.
    scores : ndarray of shape (n, 10), dtype float32
        Scores of the export for them.
    tolerance : float
        Largest accepted accuracy loss, a fraction 0..1.
    others : sequence of ndarray of shape (m, 10), dtype float32
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
    # The first `low` ranks are allowed, the rank `high` is not.
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
    """Return a threshold that leaves at most 0.5 % without an answer, as the mean over the domains.

    The first domain has the test images. The check applies the threshold that results without one of these.
    """
    confidence = np.concatenate(domains)
    order = np.argsort(confidence, kind="stable")
    weights = np.concatenate([np.full(len(part), 1 / (len(domains) * len(part))) for part in domains])[order]
    below = np.cumsum(weights)  # with this one and all less sure ones

    def highest(limit: float) -> float:
        return float(confidence[order[min(int((below <= limit).sum()), len(order) - 1)]])

    value, judged = highest(REJECTED), highest(REJECTED + 1 / (len(domains) * len(domains[0])))
    return Threshold(min(found.value, _rounded_down(value)), min(found.judged, judged))


def _rounded_down(value: float) -> float:
    return math.floor(value * STEPS) / STEPS
