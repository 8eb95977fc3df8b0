"""`Parity`: accuracy of an export compared with its original on the same real images."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import UsageError
from mnist_exporters.proof.checks import Changes, broken_invariants, changed_alone, lost_classes, unfit, unproven
from mnist_exporters.proof.reference import Reference

__all__ = ["Parity"]


@dataclass(frozen=True)
class Parity:
    """Comparison of an export with its original, and whether the export passes.

    Parameters
    ----------
    dataset : str
        Name of the held-out set.
    images : int
        Number of its images; all are compared.
    accuracy_original, accuracy_exported : float
        Fractions of right answers, 0..1.
    drop : float
        Accuracy of the original minus accuracy of the export.
    drop_upper_95 : float
        Upper end of the paired 95 % confidence interval of `drop`. Images that repeat others count once in it.
    agreement : float
        Fraction of images with the same answer, right or wrong.
    lost, gained : int
        Images that only the original, and only the export, classifies correctly.
    mcnemar_p : float
        Exact two-sided p-value of `lost` and `gained` under the hypothesis of no difference (McNemar 1947).
    max_score_error : float
        Largest difference of a score.
    drop_by_class : tuple of float
        `drop` on the images of each class; nan for a class without images.
    drop_lower_95_by_class : tuple of float
        Lower end of the confidence interval of each class's loss, computed as `drop_upper_95`; nan without images.
    duplicates : int
        Images that repeat an earlier one of the same label exactly.
    images_alone, changed_alone : int
        Images that the export also classified one by one, and how many of them got another answer than in a batch.
    tolerance : float
        Largest accepted `drop_upper_95` and `drop_lower_95_by_class`.
    reasons : tuple of str
        Why the export is refused; empty if it passed.
    """

    dataset: str
    images: int
    accuracy_original: float
    accuracy_exported: float
    drop: float
    drop_upper_95: float
    agreement: float
    lost: int
    gained: int
    mcnemar_p: float
    max_score_error: float
    drop_by_class: tuple[float, ...]
    drop_lower_95_by_class: tuple[float, ...]
    duplicates: int
    images_alone: int
    changed_alone: int
    tolerance: float
    reasons: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the accuracy loss is proven to be within the tolerance."""
        return not self.reasons

    @classmethod
    def compare(
        cls,
        reference: Reference,
        scores: npt.NDArray[np.float32],
        tolerance: float,
        alone: npt.NDArray[np.float32] | None = None,
    ) -> Parity:
        """Compare the scores of an export with the reference, image by image.

        Parameters
        ----------
        reference : Reference
            Images, labels and scores of the original.
        scores : ndarray of shape (n, k), dtype float32
            Scores of the export for the same images.
        tolerance : float
            Largest accepted accuracy loss, a fraction 0..1.
        alone : ndarray of shape (m, k), dtype float32, optional
            Scores of the export for the images ``reference.alone``, one by one. Default: not checked.

        Raises
        ------
        UsageError
            If there are no scores or their shape is not that of the reference.

        Examples
        --------
        >>> truth = np.arange(2000) % 10
        >>> perfect = np.eye(10, dtype=np.float32)[truth]
        >>> images = np.random.default_rng(0).integers(0, 256, (2000, 28, 28), np.uint8)
        >>> reference = Reference("made up", images, truth.astype(np.uint8), perfect)
        >>> Parity.compare(reference, perfect, tolerance=0.002).passed
        True
        >>> Parity.compare(reference, perfect[::-1], tolerance=0.002).passed
        False
        """
        if scores.shape != reference.scores.shape:
            raise UsageError(f"The scores have shape {scores.shape}. They need shape {reference.scores.shape}.")
        if len(scores) == 0:
            raise UsageError("There are no test images. The proof needs some.")
        from scipy.stats import binomtest

        before, after = np.argmax(reference.scores, axis=1), np.argmax(scores, axis=1)
        was_right, is_right = before == reference.labels, after == reference.labels
        changes = Changes(was_right & ~is_right, ~was_right & is_right)
        evidence = changes.among(reference.is_distinct)
        changed = evidence.lost + evidence.gained
        by_class = [changes.among(reference.labels == label) for label in range(reference.scores.shape[1])]
        evidence_by_class = [
            changes.among(reference.is_distinct & (reference.labels == label)) for label in range(len(by_class))
        ]
        finite = bool(np.isfinite(scores).all())
        different = 0 if alone is None else int((alone.argmax(axis=1) != after[reference.alone]).sum())
        return cls(
            dataset=reference.dataset,
            images=len(scores),
            accuracy_original=float(was_right.mean()),
            accuracy_exported=float(is_right.mean()),
            drop=changes.drop,
            drop_upper_95=evidence.interval[1],
            agreement=float((before == after).mean()),
            lost=changes.lost,
            gained=changes.gained,
            mcnemar_p=float(binomtest(evidence.lost, changed).pvalue) if changed else 1.0,
            max_score_error=float(np.abs(scores - reference.scores).max()) if finite else math.inf,
            drop_by_class=tuple(row.drop for row in by_class),
            drop_lower_95_by_class=tuple(row.interval[0] for row in evidence_by_class),
            duplicates=reference.duplicates,
            images_alone=0 if alone is None else len(alone),
            changed_alone=different,
            tolerance=tolerance,
            reasons=(
                *unfit(reference, float(was_right.mean())),
                *broken_invariants(reference.scores, scores, reference.task),
                *changed_alone(scores[reference.alone], alone),
                *lost_classes(evidence_by_class, tolerance, reference.task),
                *unproven(evidence, tolerance),
            ),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return values for JSON; nan and infinity become None."""
        facts = {**dataclasses.asdict(self), "reasons": list(self.reasons), "passed": self.passed}
        for name in ("drop_by_class", "drop_lower_95_by_class"):
            facts[name] = [_plain(value) for value in facts[name]]
        return {key: _plain(value) for key, value in facts.items()}

    def __str__(self) -> str:
        return (
            f"{'proven' if self.passed else 'REFUSED'} on all {self.images:,} images of {self.dataset}\n"
            f"  accuracy   {self.accuracy_original:.2%} -> {self.accuracy_exported:.2%}\n"
            f"  loss       at most {max(0.0, self.drop_upper_95) * 100:.2f} points with 95 % confidence "
            f"(tolerance {self.tolerance * 100:.2f})\n"
            f"  agreement  {self.agreement:.2%} ({self.lost} lost, {self.gained} gained)"
            + (f"\n  duplicates {self.duplicates:,} images repeat others and count once" if self.duplicates else "")
        )


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
