"""`Parity`: accuracy of an export compared with its original on the same real images."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import UsageError
from mnist_exporters.inputs.labelled_images import LabelledImages
from mnist_exporters.proof.statistics import drop_upper_95, enough_images

if TYPE_CHECKING:
    from mnist_exporters.inputs.original import Original

__all__ = ["Parity", "Reference"]


LEAST_ACCURACY = 0.5
"""Least accuracy of an original. Below it, its input is probably wrong: chance is 0.1, the model `linear` has 0.92."""


MOST_SCORE_ERROR = 0.02
"""Largest accepted mean difference of a score. Largest measured, over all ready models, precisions and data: 0.0024."""


@dataclass(frozen=True, eq=False)
class Reference:
    """A held-out set and the original's scores for it. Exports are compared with them.

    Parameters
    ----------
    dataset : str
        Name of the set.
    images : ndarray of shape (n, 28, 28), dtype uint8
        All images of the set.
    labels : ndarray of shape (n,), dtype uint8
        Their digits, 0..9.
    scores : ndarray of shape (n, 10), dtype float32
        Scores of the original, 0..1.
    """

    dataset: str
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    scores: npt.NDArray[np.float32]

    @classmethod
    def of(cls, original: Original, test: LabelledImages) -> Reference:
        """Classify every image of `test` with `original`.

        Raises
        ------
        UsageError
            If there are no images.
        """
        if len(test.images) == 0:
            raise UsageError(f"{test.name} has no test images. The proof needs some.")
        return cls(test.name, test.images, test.labels, original.scores(test.images))


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
        Upper end of the paired 95 % confidence interval of `drop`.
    agreement : float
        Fraction of images with the same answer, right or wrong.
    lost, gained : int
        Images that only the original, and only the export, classifies correctly.
    mcnemar_p : float
        Exact two-sided p-value of `lost` and `gained` under the hypothesis of no difference (McNemar 1947).
    max_score_error : float
        Largest difference of a score.
    drop_by_class : tuple of float
        `drop` on the images of each digit; nan for a digit without images.
    tolerance : float
        Largest accepted `drop_upper_95`.
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
    tolerance: float
    reasons: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the accuracy loss is proven to be within the tolerance."""
        return not self.reasons

    @classmethod
    def compare(cls, reference: Reference, scores: npt.NDArray[np.float32], tolerance: float) -> Parity:
        """Compare the scores of an export with the reference, image by image.

        Parameters
        ----------
        reference : Reference
            Images, labels and scores of the original.
        scores : ndarray of shape (n, 10), dtype float32
            Scores of the export for the same images.
        tolerance : float
            Largest accepted accuracy loss, a fraction 0..1.

        Raises
        ------
        UsageError
            If there are no scores or their shape is not that of the reference.

        Examples
        --------
        >>> truth = np.arange(2000) % 10
        >>> perfect = np.eye(10, dtype=np.float32)[truth]
        >>> reference = Reference("made up", np.zeros((2000, 28, 28), np.uint8), truth.astype(np.uint8), perfect)
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
        lost, gained = int((was_right & ~is_right).sum()), int((~was_right & is_right).sum())
        loss = was_right.astype(np.float64) - is_right
        upper = drop_upper_95(lost, gained, len(scores))
        finite = bool(np.isfinite(scores).all())
        return cls(
            dataset=reference.dataset,
            images=len(scores),
            accuracy_original=float(was_right.mean()),
            accuracy_exported=float(is_right.mean()),
            drop=(lost - gained) / len(scores),
            drop_upper_95=upper,
            agreement=float((before == after).mean()),
            lost=lost,
            gained=gained,
            mcnemar_p=float(binomtest(lost, lost + gained).pvalue) if lost + gained else 1.0,
            max_score_error=float(np.abs(scores - reference.scores).max()) if finite else math.inf,
            drop_by_class=tuple(
                float(loss[reference.labels == digit].mean()) if (reference.labels == digit).any() else math.nan
                for digit in range(reference.scores.shape[1])
            ),
            tolerance=tolerance,
            reasons=(
                *_unfit(reference, float(was_right.mean())),
                *_broken_invariants(reference.scores, scores),
                *_unproven(lost, gained, len(scores), tolerance),
            ),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return values for JSON; nan and infinity become None."""
        facts = {**dataclasses.asdict(self), "reasons": list(self.reasons), "passed": self.passed}
        facts["drop_by_class"] = [_plain(value) for value in self.drop_by_class]
        return {key: _plain(value) for key, value in facts.items()}

    def __str__(self) -> str:
        return (
            f"{'proven' if self.passed else 'REFUSED'} on all {self.images:,} images of {self.dataset}\n"
            f"  accuracy   {self.accuracy_original:.2%} -> {self.accuracy_exported:.2%}\n"
            f"  loss       at most {max(0.0, self.drop_upper_95):.2%} with 95 % confidence "
            f"(tolerance {self.tolerance:.2%})\n"
            f"  agreement  {self.agreement:.2%} ({self.lost} lost, {self.gained} gained)"
        )


def _unproven(lost: int, gained: int, images: int, tolerance: float) -> tuple[str, ...]:
    upper = drop_upper_95(lost, gained, images)
    if upper <= tolerance:
        return ()
    drop = (lost - gained) / images
    reason = (
        f"The accuracy loss is {drop:.2%}, and up to {upper:.2%} with 95 % confidence ({lost} lost, {gained} gained of "
        f"{images} images), but the tolerance is {tolerance:.2%}."
    )
    enough = enough_images(lost, gained, images, tolerance)
    if enough is None:
        return (f"{reason} More images would not help. Accept a larger --max-accuracy-drop or improve the model.",)
    return (f"{reason} About {enough:,} such images could prove it.",)


def _unfit(reference: Reference, accuracy: float) -> tuple[str, ...]:
    """Return why nothing can be proven with this reference; any export is as good as an original that guesses."""
    if not np.isfinite(reference.scores).all():
        return ("The original gives scores that are nan or infinity.",)
    reasons = []
    if missing := sorted(set(range(reference.scores.shape[1])) - set(reference.labels.tolist())):
        reasons.append(f"There are no test images of the digits {missing}.")
    if accuracy < LEAST_ACCURACY:
        reasons.append(
            f"The original is right on {accuracy:.1%} only. Check its pixel range (--pixel-range 0..1 or 0..255), the "
            "polarity of the images and their labels."
        )
    return tuple(reasons)


def _broken_invariants(expected: npt.NDArray[np.float32], scores: npt.NDArray[np.float32]) -> tuple[str, ...]:
    if not np.isfinite(scores).all():
        return ("The export gives scores that are nan or infinity.",)
    reasons = []
    if len(scores) > 1 and not np.ptp(scores, axis=0).any():
        reasons.append("The export gives the same scores for every image.")
    if missing := sorted(set(expected.argmax(axis=1).tolist()) - set(scores.argmax(axis=1).tolist())):
        reasons.append(f"The export never answers {missing}, but the original does.")
    if (error := float(np.abs(scores - expected).mean())) > MOST_SCORE_ERROR:
        reasons.append(
            f"The scores differ by {error:.3f} on average, but at most {MOST_SCORE_ERROR} is accepted. Even where the "
            "answers are the same, the confidences are not."
        )
    return tuple(reasons)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
