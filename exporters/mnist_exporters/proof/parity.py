"""`Parity`: the comparison of an export with its original on the same real images."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import UsageError
from mnist_exporters.proof.answers import Answers
from mnist_exporters.proof.invariants import MOST_NAMED, broken_invariants, inconsistent_answers
from mnist_exporters.proof.losses import Changes, lost_classes, small_classes, unproven
from mnist_exporters.proof.reference import Reference
from mnist_exporters.proof.threshold import NO_THRESHOLD, Threshold
from mnist_exporters.proof.unfit import missing_images, unfit
from mnist_runtime.errors import counted, listed

__all__ = ["Parity"]


@dataclass(frozen=True)
class Parity:
    """Comparison of an export with its original, and whether the export passes.

    Parameters
    ----------
    dataset : str
        Name of the test data.
    images : int
        Number of test images. All of them are compared.
    accuracy_original, accuracy_exported : float
        Fractions of right answers, 0..1. An image without an answer from the export counts as wrong.
    drop : float
        Accuracy of the original minus accuracy of the export.
    drop_upper_95 : float
        Upper end of the paired 95 % confidence interval of `drop`. Images that repeat others count once in it.
    agreement : float
        Fraction of images with the same answer, right or wrong.
    lost, gained : int
        Number of images that only the original (`lost`) or only the export (`gained`) classifies correctly.
    threshold, judged_threshold : float
        Confidence below which the export gives no answer: on a device, and in this comparison; see `choose_threshold`.
    turned_away, turned_away_right : int
        Number of images below `judged_threshold`; and number of those that the original and the best score of the
        export classify correctly, which count as `lost`.
    mcnemar_p : float
        Exact two-sided p-value of the lost and gained answers under the hypothesis of no difference (McNemar 1947).
        Images that repeat others count once in it.
    max_score_error : float
        Largest difference of a score.
    drop_by_class : tuple of float
        `drop` on the images of each class; nan for a class without images.
    drop_lower_95_by_class : tuple of float
        Lower end of the confidence interval of each class's loss, computed as `drop_upper_95`; nan without images.
    drop_upper_95_by_class : tuple of float
        Upper end of that interval; nan without images.
    unproven_classes : tuple of str
        Labels with fewer than 30 different images, for which nothing can be said about the loss.
    duplicates : int
        Number of images that repeat an earlier one of the same label, exactly or nearly.
    in_training : int
        Number of images that are also training images, exactly or nearly.
    extreme_score_error : float or None
        Largest difference of a score for `extreme_images`: blank, white, bold and hairline; None if not measured.
    images_alone, changed_alone : int
        Number of images that the export also classified one by one, and number of those with another answer than in a
        batch.
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
    threshold: float
    judged_threshold: float
    turned_away: int
    turned_away_right: int
    max_score_error: float
    extreme_score_error: float | None
    drop_by_class: tuple[float, ...]
    drop_lower_95_by_class: tuple[float, ...]
    drop_upper_95_by_class: tuple[float, ...]
    unproven_classes: tuple[str, ...]
    duplicates: int
    in_training: int
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
        answers: Answers | npt.NDArray[np.float32],
        tolerance: float,
        threshold: Threshold = NO_THRESHOLD,
    ) -> Parity:
        """Compare the scores of an export with those of the original, image by image.

        Parameters
        ----------
        reference : Reference
            Images, labels and scores of the original.
        answers : Answers or ndarray of shape (n, k), dtype float32
            Scores of the export for the same images; an array if each image was classified only once.
        tolerance : float
            Largest accepted accuracy loss, a fraction 0..1.
        threshold : Threshold, optional
            The confidence below which the export gives no answer. Default: it always gives one.

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
        answers = answers if isinstance(answers, Answers) else Answers(answers)
        scores = answers.scores
        if scores.shape != reference.scores.shape:
            raise UsageError(f"The scores have shape {scores.shape}. They need shape {reference.scores.shape}.")
        if len(scores) == 0:
            raise UsageError("There are no test images. The proof needs some.")
        from scipy.stats import binomtest

        labels = reference.labels
        before, best = np.argmax(reference.scores, axis=1), np.argmax(scores, axis=1)
        is_unanswered = scores.max(axis=1).astype(np.float64) < threshold.judged
        after = np.where(is_unanswered, -1, best)
        was_right, is_right = before == labels, after == labels
        changes = Changes(was_right & ~is_right, ~was_right & is_right)
        evidence = changes.among(reference.is_distinct)  # copies of an image count only once
        changed = evidence.lost + evidence.gained
        by_class = [changes.among(labels == number) for number in range(reference.scores.shape[1])]
        evidence_by_class = [
            changes.among(reference.is_distinct & (labels == number)) for number in range(len(by_class))
        ]
        finite = bool(np.isfinite(scores).all())
        alone = answers.alone
        other_reasons = (
            *unfit(reference, float(was_right.mean())),
            *broken_invariants(reference, answers, after),
            *inconsistent_answers(answers, reference.alone),
            *lost_classes(evidence_by_class, tolerance, reference.task),
        )
        images_help = other_reasons == missing_images(reference)
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
            threshold=threshold.value,
            judged_threshold=threshold.judged,
            turned_away=int(is_unanswered.sum()),
            turned_away_right=int((is_unanswered & was_right & (best == labels)).sum()),
            max_score_error=float(np.abs(scores - reference.scores).max()) if finite else math.inf,
            extreme_score_error=_largest_difference(reference.extremes, answers.extremes),
            drop_by_class=tuple(row.drop for row in by_class),
            drop_lower_95_by_class=tuple(row.interval[0] for row in evidence_by_class),
            drop_upper_95_by_class=tuple(row.interval[1] for row in evidence_by_class),
            unproven_classes=small_classes(evidence_by_class, reference.task.labels),
            duplicates=reference.duplicates,
            in_training=reference.in_training,
            images_alone=0 if alone is None else len(alone),
            changed_alone=0 if alone is None else int((alone.argmax(axis=1) != best[reference.alone]).sum()),
            tolerance=tolerance,
            reasons=(*other_reasons, *unproven(evidence, tolerance, images_help=images_help)),
        )

    @property
    def has_finite_scores(self) -> bool:
        """Whether all scores of the export are finite, also those for `extreme_images`."""
        return math.isfinite(self.max_score_error) and math.isfinite(self.extreme_score_error or 0.0)

    def as_dict(self) -> dict[str, Any]:
        """Return values for JSON; nan and infinity become None."""
        facts = {**dataclasses.asdict(self), "reasons": list(self.reasons), "passed": self.passed}
        facts["unproven_classes"] = list(self.unproven_classes)
        for name in ("drop_by_class", "drop_lower_95_by_class", "drop_upper_95_by_class"):
            facts[name] = [_plain(value) for value in facts[name]]
        return {key: _plain(value) for key, value in facts.items()}

    def __str__(self) -> str:
        return (
            f"{'proven' if self.passed else 'REFUSED'} on all {self.images:,} images of {self.dataset}\n"
            f"  accuracy   {self.accuracy_original:.2%} -> {self.accuracy_exported:.2%}\n"
            f"  loss       at most {max(0.0, self.drop_upper_95) * 100:.2f} points with 95 % confidence "
            f"(tolerance {self.tolerance * 100:.2f})\n"
            f"  agreement  {self.agreement:.2%} ({self.lost} lost, {self.gained} gained)"
            + "".join(f"\n  {line}" for line in self._notes())
        )

    def _notes(self) -> Iterator[str]:
        """Yield a line for each unusual fact, such as duplicates."""
        if self.turned_away:
            images = f"{self.turned_away:,} image{'s' * (self.turned_away > 1)}"
            judged, applied = (f"{value:.4f}" for value in (self.judged_threshold, self.threshold))
            yield f"no answer  {images}, confidence below {judged}; {self.turned_away_right:,} of them lost"
            if judged != applied:
                yield f"threshold  {applied} in the file; {judged}, a stricter one, in this proof"
        if self.duplicates:
            repeat = "image repeats another" if self.duplicates == 1 else "images repeat others"
            count = "both count once" if self.duplicates == 1 else "count once"
            yield f"duplicates {self.duplicates:,} {repeat}, exactly or nearly, and {count}"
        if self.in_training:
            fraction = self.in_training / self.images
            also = "is also a training image" if self.in_training == 1 else "are also training images"
            yield f"known      {counted(self.in_training, 'image')} ({fraction:.1%}) {also}, exactly or nearly"
        if self.unproven_classes:
            names = listed(self.unproven_classes, MOST_NAMED)
            yield f"unproven   fewer than 30 different images of {names}: no proof for these"


def _largest_difference(first: npt.NDArray[np.float32] | None, second: npt.NDArray[np.float32] | None) -> float | None:
    if first is None or second is None:
        return None
    return float(np.abs(first - second).max()) if np.isfinite(first).all() and np.isfinite(second).all() else math.inf


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
