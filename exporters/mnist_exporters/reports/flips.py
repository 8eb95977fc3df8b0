"""`Flip`: an image for which the export and the original give different answers; and confusion matrices."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_exporters.inputs.labelled_images import Labels
from mnist_exporters.proof.reference import Reference

__all__ = ["Flip", "changed_cells", "confusion", "flips"]

MOST_CLASSES = 100
"""Largest number of classes in a confusion matrix."""


@dataclass(frozen=True)
class Flip:
    """One image and the answers of original and export.

    Parameters
    ----------
    index : int
        Index of the image in the test data.
    label : int
        Number of its class; for digits, the digit itself.
    original : int
        Number of the original's answer.
    exported : int or None
        Number of the export's answer; None if its best score is below the threshold.
    original_score, exported_score : float
        Best score of original and export, 0..1; nan if an export gives nan.
    """

    index: int
    label: int
    original: int
    exported: int | None
    original_score: float
    exported_score: float

    @property
    def kind(self) -> str:
        """``"lost"`` or ``"gained"`` if a right answer was lost or gained; ``"moved"`` if both answers are wrong."""
        if self.label == self.original:
            return "lost"
        return "gained" if self.label == self.exported else "moved"

    def as_dict(self) -> dict[str, Any]:
        """Return values for JSON; nan and infinity become None."""
        facts = dataclasses.asdict(self) | {"kind": self.kind}
        scores = {name: facts[name] for name in ("original_score", "exported_score")}
        return facts | {name: score if math.isfinite(score) else None for name, score in scores.items()}


def flips(reference: Reference, scores: npt.NDArray[np.float32], threshold: float = 0.0) -> tuple[Flip, ...]:
    """Return every image whose answer in `scores`, (n, k), differs from that of `reference`, in order.

    Parameters
    ----------
    reference : Reference
        The test images and the original's scores.
    scores : ndarray of shape (n, k), dtype float32
        Scores of an export.
    threshold : float, optional
        Confidence below which the export gives no answer.

    Examples
    --------
    >>> truth = np.array([3, 5], np.uint8)
    >>> reference = Reference("two", np.zeros((2, 28, 28), np.uint8), truth, np.eye(10, dtype=np.float32)[[3, 1]])
    >>> [(flip.index, flip.kind) for flip in flips(reference, np.eye(10, dtype=np.float32)[[3, 5]])]
    [(1, 'gained')]
    """
    before, after = reference.scores.argmax(axis=1), scores.argmax(axis=1)
    is_unanswered = scores.max(axis=1).astype(np.float64) < threshold
    return tuple(
        Flip(
            index=int(index),
            label=int(reference.labels[index]),
            original=int(before[index]),
            exported=None if is_unanswered[index] else int(after[index]),
            original_score=float(reference.scores[index, before[index]]),
            exported_score=float(scores[index, after[index]]),
        )
        for index in np.flatnonzero((before != after) | is_unanswered)
    )


def confusion(labels: Labels, scores: npt.NDArray[np.float32]) -> list[list[int]]:
    """Return the confusion matrix: number of images of the row's class that were classified as the column's class.

    Returns
    -------
    list of list of int
        Empty for more than `MOST_CLASSES` classes, because such a matrix is not readable.
    """
    classes = scores.shape[1]
    if classes > MOST_CLASSES:
        return []
    table = np.zeros((classes, classes), np.int64)
    np.add.at(table, (labels, scores.argmax(axis=1)), 1)
    counts: list[list[int]] = table.tolist()
    return counts


def changed_cells(before: list[list[int]], after: list[list[int]]) -> list[tuple[int, int, int]]:
    """Return the confusions whose number changed, as (class, answer, change), the largest change first.

    Examples
    --------
    >>> changed_cells([[9, 1], [0, 10]], [[10, 0], [2, 8]])
    [(1, 0, 2), (0, 1, -1)]
    """
    if not before:
        return []
    change = np.array(after) - np.array(before)
    np.fill_diagonal(change, 0)
    cells = [(int(row), int(column), int(change[row, column])) for row, column in np.argwhere(change)]
    return sorted(cells, key=lambda cell: -abs(cell[2]))
