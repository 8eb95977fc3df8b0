"""`Parity`: original and export on the same real images, compared pair by pair; and the verdict."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import UsageError
from mnist_exporters.inputs.labelled_images import LabelledImages
from mnist_exporters.inputs.original import Original
from mnist_exporters.proof.statistics import drop_upper_95, enough_images

__all__ = ["Parity", "Reference"]


LEAST_ACCURACY = 0.5
"""Share of right answers below which an original is taken for misunderstood: chance is 0.1, `linear` has 0.92."""


MOST_SCORE_ERROR = 0.02
"""Mean difference of a score that is accepted. Measured, every ready model and precision, both data sets: 0.0024."""


@dataclass(frozen=True, eq=False)
class Reference:
    """What the original says about each image of a held-out set: the standard that every export is held to.

    Parameters
    ----------
    dataset : str
        Name of the set.
    images : ndarray of shape (n, 28, 28), dtype uint8
        All of them.
    labels : ndarray of shape (n,), dtype uint8
        The truth.
    scores : ndarray of shape (n, 10), dtype float32
        The original's scores, 0..1.
    """

    dataset: str
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    scores: npt.NDArray[np.float32]

    @classmethod
    def of(cls, original: Original, test: LabelledImages) -> Reference:
        """Ask `original` about every image of `test`.

        Raises
        ------
        UsageError
            If there are no images.
        """
        if len(test.images) == 0:
            raise UsageError(f"Expected images to prove the export on, received none from {test.name}.")
        return cls(test.name, test.images, test.labels, original.scores(test.images))


@dataclass(frozen=True)
class Parity:
    """The comparison of an export with its original, and the verdict.

    Parameters
    ----------
    dataset : str
        Which images.
    images : int
        How many; always all of the held-out set.
    accuracy_original, accuracy_exported : float
        Shares of right answers, 0..1.
    drop : float
        The first minus the second.
    drop_upper_95 : float
        Upper end of the paired 95 % confidence interval of `drop`.
    agreement : float
        Share of images with the same answer, right or wrong.
    lost, gained : int
        Images that only the original, and only the export, answered rightly.
    mcnemar_p : float
        Exact two-sided p of `lost` and `gained` under "no difference" (McNemar 1947).
    max_score_error : float
        Largest difference of a score.
    drop_by_class : tuple of float
        `drop` among the images of each digit; nan for a digit that does not occur.
    tolerance : float
        What `drop_upper_95` must not exceed.
    reasons : tuple of str
        Why the export is refused; empty when it passed.
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
        """Whether the export is proven to be as good as the original, within the tolerance."""
        return not self.reasons

    @classmethod
    def compare(cls, reference: Reference, scores: npt.NDArray[np.float32], tolerance: float) -> Parity:
        """Compare an export's `scores`, (n, 10), with the `reference`, image by image.

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
            raise UsageError(f"Expected scores of shape {reference.scores.shape}, received {scores.shape}.")
        if len(scores) == 0:
            raise UsageError("Expected images to prove the export on, received none.")
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
        """Return plain values, ready for JSON: infinities and nans, which JSON lacks, become None."""
        facts = {**dataclasses.asdict(self), "reasons": list(self.reasons), "passed": self.passed}
        facts["drop_by_class"] = [_plain(value) for value in self.drop_by_class]
        return {key: _plain(value) for key, value in facts.items()}

    def __str__(self) -> str:
        return (
            f"{'proven' if self.passed else 'REFUSED'} on all {self.images:,} images of {self.dataset}\n"
            f"  accuracy   {self.accuracy_original:.2%} -> {self.accuracy_exported:.2%}, at most "
            f"{max(0.0, self.drop_upper_95):.2%} lost with 95 % confidence (tolerance {self.tolerance:.2%})\n"
            f"  agreement  {self.agreement:.2%} ({self.lost} lost, {self.gained} gained)"
        )


def _unproven(lost: int, gained: int, images: int, tolerance: float) -> tuple[str, ...]:
    upper = drop_upper_95(lost, gained, images)
    if upper <= tolerance:
        return ()
    drop = (lost - gained) / images
    reason = (
        f"Expected at most {tolerance:.2%} of accuracy lost with 95 % confidence, measured {drop:.2%} and up to "
        f"{upper:.2%} ({lost} lost, {gained} gained of {images} images)."
    )
    enough = enough_images(lost, gained, images, tolerance)
    if enough is None:
        return (f"{reason} More images would not help: give --max-accuracy-drop a larger share or mend the model.",)
    return (f"{reason} About {enough:,} such images could prove it.",)


def _unfit(reference: Reference, accuracy: float) -> tuple[str, ...]:
    """Say why nothing can be proven against this reference: an export is easily as good as a guess."""
    if not np.isfinite(reference.scores).all():
        return ("Expected finite scores of the original, received nan or infinity.",)
    reasons = []
    if missing := sorted(set(range(reference.scores.shape[1])) - set(reference.labels.tolist())):
        reasons.append(f"Expected test images of all ten digits, received none of {missing}.")
    if accuracy < LEAST_ACCURACY:
        reasons.append(
            f"Expected an original that reads these digits, it is right on {accuracy:.1%} only: check the range of its "
            "pixels (--pixel-range; 0..1 and 0..255 are known), the polarity and the labels."
        )
    return tuple(reasons)


def _broken_invariants(expected: npt.NDArray[np.float32], scores: npt.NDArray[np.float32]) -> tuple[str, ...]:
    if not np.isfinite(scores).all():
        return ("Expected finite scores, received nan or infinity.",)
    reasons = []
    if len(scores) > 1 and not np.ptp(scores, axis=0).any():
        reasons.append("Expected scores that depend on the image, received the same for every image.")
    if missing := sorted(set(expected.argmax(axis=1).tolist()) - set(scores.argmax(axis=1).tolist())):
        reasons.append(f"Expected every class that the original answers, never received {missing}.")
    if (error := float(np.abs(scores - expected).mean())) > MOST_SCORE_ERROR:
        reasons.append(
            f"Expected scores that are off by at most {MOST_SCORE_ERROR} on average, measured {error:.3f}: answers may "
            "be the same, confidences are not."
        )
    return tuple(reasons)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
