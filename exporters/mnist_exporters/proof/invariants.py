"""Checks of an export's scores that do not depend on the tolerance. Each returns reasons to refuse the export."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mnist_exporters.inputs.extremes import EXTREMES
from mnist_exporters.inputs.repeatable import by_up_to, difference
from mnist_exporters.proof.answers import Answers
from mnist_exporters.proof.reference import Reference
from mnist_runtime.artifact.task import Task
from mnist_runtime.errors import listed

__all__ = ["MOST_NAMED", "broken_invariants", "inconsistent_answers", "named", "non_finite_reasons"]

MOST_SCORE_ERROR = 0.02
"""Largest accepted mean difference of a score. The largest measured one is 0.0024, over all ready models, precisions
and data sets. For more than ten classes, the limit is smaller, because most scores are near 0."""

MOST_NAMED = 20
"""Maximum number of classes that a reason names."""


def broken_invariants(reference: Reference, answers: Answers, digits: npt.NDArray[np.intp]) -> tuple[str, ...]:
    """Return reasons to refuse an export: not finite, equal or very different scores, or classes never answered.

    Parameters
    ----------
    reference : Reference
        The test images and the original's scores.
    answers : Answers
        The scores of the export.
    digits : ndarray of shape (n,), dtype intp
        Number of the class that the export answers for each image; -1 for no answer.
    """
    expected, scores = reference.scores, answers.scores
    if not np.isfinite(scores).all():
        return ("The export gives scores that are nan or infinity.",)
    reasons = [*non_finite_reasons(answers.extremes, "export")]
    if len(scores) > 1 and not np.ptp(scores, axis=0).any():
        reasons.append("The export gives the same scores for every image.")
    if missing := sorted(set(expected.argmax(axis=1).tolist()) - set(digits.tolist())):
        reasons.append(f"The export never answers {named(missing, reference.task)}, but the original does.")
    bound = MOST_SCORE_ERROR * min(1.0, 10 / scores.shape[1])
    error = float(np.abs(scores - expected).mean())
    if np.isfinite(expected).all() and error > bound:  # otherwise, the original itself is refused
        reasons.append(
            f"The scores differ by {error:.2g} on average, but at most {bound:.2g} is accepted. Even where the "
            "answers are the same, the confidences are not."
        )
    return tuple(reasons)


def inconsistent_answers(answers: Answers, chosen: npt.NDArray[np.intp]) -> tuple[str, ...]:
    """Return reasons to refuse an export if images get other answers one by one, in another order or a second time.

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
        if others is None or not np.isfinite(batched).all():
            continue
        changed = int((batched.argmax(axis=1) != others.argmax(axis=1)).sum())
        error = float(np.abs(batched - others).max(initial=0))
        if without := int((~np.isfinite(others)).any(axis=1).sum()):
            what = f"{without} of {len(others)} get scores that are nan or infinity"
        elif changed or error > MOST_SCORE_ERROR:
            what = f"{changed} of {len(others)} answers, and scores by up to {error:.3f}"
        else:
            continue
        reasons.append(
            f"The export answers images differently {words}: {what}. A layer computes across the images of a batch. "
            "Replace it."
        )
    before, after = answers.before, answers.after
    if before is not None and after is not None and not np.array_equal(before, after, equal_nan=True):
        reasons.append(
            f"The export gives the same images different scores the second time, "
            f"{by_up_to(difference(before, after))}. A layer is random or keeps a state. Replace it."
        )
    return tuple(reasons)


def non_finite_reasons(extremes: npt.NDArray[np.float32] | None, whose: str) -> tuple[str, ...]:
    """Return a reason if the scores for `extreme_images` are not all finite. `whose` names the model in the reason."""
    if extremes is None or np.isfinite(extremes).all():
        return ()
    bad = ~np.isfinite(extremes).all(axis=1)
    kinds = dict.fromkeys(kind for kind, is_bad in zip(EXTREMES, bad, strict=True) if is_bad)
    return (
        f"The {whose} gives scores that are nan or infinity for {' and '.join(kinds)} images. If it divides by the "
        "deviation of an image, add a small number to it.",
    )


def named(numbers: list[int], task: Task) -> str:
    """Return the names of the classes `numbers` as a list for a message, with at most `MOST_NAMED` names."""
    return listed([task.labels[number] for number in numbers], MOST_NAMED)
