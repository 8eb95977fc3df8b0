"""The checks that an export must pass. Each returns the reasons why it is refused, none if it passes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_exporters.inputs.extremes import EXTREMES
from mnist_exporters.proof.answers import Answers
from mnist_exporters.proof.reference import Reference
from mnist_exporters.proof.statistics import drop_interval_95, enough_images
from mnist_runtime.artifact.task import DIGITS, Task
from mnist_runtime.errors import counted, listed

__all__ = [
    "MOST_NAMED",
    "Changes",
    "asked_otherwise",
    "broken_invariants",
    "lost_classes",
    "named",
    "small_classes",
    "unproven",
    "without_numbers",
]

MOST_SCORE_ERROR = 0.02
"""Largest accepted mean difference of a score. Largest measured, over all ready models, precisions and data: 0.0024.
Of more than ten classes, most scores are near 0, so the bound is smaller."""

MOST_LISTED = 3
"""Classes whose losses a reason lists."""

MOST_NAMED = 20
"""Classes that a reason names."""

LEAST_OF_CLASS = 30
"""Different images of a class below which nothing is known about its loss."""


@dataclass(frozen=True, eq=False)
class Changes:
    """The answers that an export lost and gained on some images.

    Parameters
    ----------
    is_lost, is_gained : ndarray of shape (n,), dtype bool
        Whether only the original, or only the export, classifies the image correctly.
    """

    is_lost: npt.NDArray[np.bool_]
    is_gained: npt.NDArray[np.bool_]

    def among(self, chosen: npt.NDArray[np.bool_]) -> Changes:
        """Return the changes on the `chosen` images, a mask of shape (n,)."""
        return Changes(self.is_lost[chosen], self.is_gained[chosen])

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.is_lost)

    @property
    def lost(self) -> int:
        """Number of lost answers."""
        return int(self.is_lost.sum())

    @property
    def gained(self) -> int:
        """Number of gained answers."""
        return int(self.is_gained.sum())

    @property
    def drop(self) -> float:
        """Accuracy of the original minus accuracy of the export; nan without images."""
        return (self.lost - self.gained) / self.images if self.images else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of `drop`; nan without images."""
        return drop_interval_95(self.lost, self.gained, self.images) if self.images else (math.nan, math.nan)

    def __str__(self) -> str:
        return f"{self.lost} lost, {self.gained} gained of {counted(self.images, 'different image')}"


def unproven(found: Changes, tolerance: float, *, is_only: bool = True) -> tuple[str, ...]:
    """Return a reason if the loss may be above the tolerance.

    Parameters
    ----------
    found : Changes
        What the export lost and gained on different images.
    tolerance : float
        Largest accepted loss.
    is_only : bool
        Whether it is the only reason. Only then could more images be enough for a proof.
    """
    upper = found.interval[1]
    if upper <= tolerance:
        return ()
    reason = (
        f"The accuracy loss is {_points(found.drop)}, and up to {_points(upper)} with 95 % confidence ({found}), but "
        f"the tolerance is {_points(tolerance)}."
    )
    if not is_only:
        return (reason,)
    enough = enough_images(found.lost, found.gained, found.images, tolerance)
    if enough is None:
        return (f"{reason} More images would not help. Accept a larger --max-accuracy-drop or improve the model.",)
    return (
        f"{reason} About {enough:,} different images of this kind could prove it; here are {found.images:,}. Give more "
        "with --data, or accept a larger --max-accuracy-drop.",
    )


def lost_classes(by_class: list[Changes], tolerance: float, task: Task = DIGITS) -> tuple[str, ...]:
    """Return a reason if a class certainly loses more than the tolerance, even where the average does not."""
    worse = {label: found for label, found in zip(task.labels, by_class, strict=True) if found.interval[0] > tolerance}
    if not worse:
        return ()
    listed = sorted(worse, key=lambda label: -worse[label].interval[0])[:MOST_LISTED]
    losses = [f"{label} loses at least {_points(worse[label].interval[0])} ({worse[label]})" for label in listed]
    rest = len(worse) - len(listed)
    more = f", and {rest} {'other' if rest == 1 else 'others'}" if rest else ""
    classes = "digits" if task.is_mnist else "classes"
    return (
        f"Some {classes} lose more than the tolerance of {_points(tolerance)} with 95 % confidence: "
        f"{', '.join(losses)}{more}.",
    )


def small_classes(by_class: list[Changes], labels: Sequence[str]) -> tuple[str, ...]:
    """Return the classes with so few different images that nothing is known about their loss."""
    return tuple(labels[number] for number, found in enumerate(by_class) if found.images < LEAST_OF_CLASS)


def asked_otherwise(answers: Answers, chosen: npt.NDArray[np.intp]) -> tuple[str, ...]:
    """Return reasons if images get other answers one by one, in another order or a second time.

    Parameters
    ----------
    answers : Answers
        The scores.
    chosen : ndarray of shape (k,), dtype intp
        Indices of the images that were classified in these ways.
    """
    batched = answers.scores[chosen]
    reasons = []
    for others, words in ((answers.alone, "alone and in a batch"), (answers.permuted, "in another order")):
        if others is None or not (np.isfinite(batched).all() and np.isfinite(others).all()):
            continue
        changed = int((batched.argmax(axis=1) != others.argmax(axis=1)).sum())
        error = float(np.abs(batched - others).max(initial=0))
        if changed or error > MOST_SCORE_ERROR:
            reasons.append(
                f"The export answers images differently {words}: {changed} of {len(others)} answers, and scores by "
                f"up to {error:.3f}. A layer computes across the images of a batch. Replace it."
            )
    before, after = answers.before, answers.after
    if before is not None and after is not None and not np.array_equal(before, after, equal_nan=True):
        error = float(np.nan_to_num(np.abs(before - after)).max(initial=0))
        reasons.append(
            f"The export gives the same images other scores a second time, by up to {error:.2g}. A layer is random "
            "or keeps a state. Replace it."
        )
    return tuple(reasons)


def without_numbers(extremes: npt.NDArray[np.float32] | None, whose: str) -> tuple[str, ...]:
    """Return a reason if the scores for `extreme_images` are not all finite."""
    if extremes is None or np.isfinite(extremes).all():
        return ()
    bad = ~np.isfinite(extremes).all(axis=1)
    kinds = dict.fromkeys(kind for kind, is_bad in zip(EXTREMES, bad, strict=True) if is_bad)
    return (
        f"The {whose} gives scores that are nan or infinity for {' and '.join(kinds)} images. If it divides by the "
        "deviation of an image, add a small number to it.",
    )


def _points(fraction: float) -> str:
    return f"{fraction * 100:.2f} points"


def named(numbers: list[int], task: Task) -> str:
    """Return the names of classes, of at most `MOST_NAMED`."""
    return listed([task.labels[number] for number in numbers], MOST_NAMED)


def broken_invariants(reference: Reference, answers: Answers, digits: npt.NDArray[np.intp]) -> tuple[str, ...]:
    """Return the reasons to refuse an export at any tolerance: scores not finite, all the same, or very different.

    Parameters
    ----------
    reference : Reference
        The test images and the original's scores.
    answers : Answers
        What the export gives for them.
    digits : ndarray of shape (n,), dtype intp
        The classes that it answers; -1 for no answer.
    """
    expected, scores = reference.scores, answers.scores
    if not np.isfinite(scores).all():
        return ("The export gives scores that are nan or infinity.",)
    reasons = [*without_numbers(answers.extremes, "export")]
    if len(scores) > 1 and not np.ptp(scores, axis=0).any():
        reasons.append("The export gives the same scores for every image.")
    if missing := sorted(set(expected.argmax(axis=1).tolist()) - set(digits.tolist())):
        reasons.append(f"The export never answers {named(missing, reference.task)}, but the original does.")
    bound = MOST_SCORE_ERROR * min(1.0, 10 / scores.shape[1])
    if (error := float(np.abs(scores - expected).mean())) > bound:
        reasons.append(
            f"The scores differ by {error:.2g} on average, but at most {bound:.2g} is accepted. Even where the "
            "answers are the same, the confidences are not."
        )
    return tuple(reasons)
