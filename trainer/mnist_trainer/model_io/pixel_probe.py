"""`PixelProbe`: find out how a model wants its pixels, by showing it images under every usual convention."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from mnist_trainer.errors import ModelError
from mnist_trainer.recipes.pixel_scaling import PIXEL_CONVENTIONS, PixelScaling

__all__ = ["LabelledImages", "PixelProbe", "Trial", "log_scores", "probe_images"]

Floats = npt.NDArray[np.float32]

STAGES = (1000, 3000, 10_000)
"""Numbers of images. All conventions are tried on the first; on more only those that may still be the best."""

CLEAR = 3.0
"""Standard errors of a paired difference from which it counts as real. Fourteen conventions are compared."""

PLAUSIBLE = (0.25, 40.0)
"""Temperatures of trained models. In the study docs/pixel-conventions.md those of the true convention are 0.4 to 34;
where pixels are 100 or 255 times too large, they are above 45."""

CLEARLY_BETTER = 0.02
"""Difference in accuracy, as a fraction, from which even an implausible convention is the better one."""

TIE = 0.001
"""Difference in accuracy, as a fraction, up to which the likelier of the last conventions is taken."""

SMOOTHING = 0.01
"""Fraction of each label that is spread over all digits."""

TINY = 1e-38
"""Smallest score of which a logarithm is taken."""

HIDDEN = -60.0
"""Logarithm of the second largest score, below which the scores do not show how sure the model is."""


class LabelledImages(Protocol):
    """A data set, such as `Dataset`."""

    @property
    def name(self) -> str:
        """Name in reports."""
        ...

    @property
    def images(self) -> npt.NDArray[np.uint8]:
        """Pixels 0..255, white on black, shape (n, 28, 28)."""
        ...

    @property
    def labels(self) -> npt.NDArray[np.uint8]:
        """Digits 0..9, shape (n,)."""
        ...


@dataclass(frozen=True, eq=False)
class _Images:
    name: str
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]


def probe_images(train: LabelledImages, test: LabelledImages) -> LabelledImages:
    """Return the images on which the scaling of pixels is measured.

    These are training images, because test images only report. Where there are fewer than 1,000, the test images are
    added: a wrong scaling does more harm.
    """
    if len(train.images) >= STAGES[0]:
        return train
    return _Images(train.name, np.concatenate([train.images, test.images]), np.concatenate([train.labels, test.labels]))


@dataclass(frozen=True)
class Trial:
    """What a model reads under one convention.

    Parameters
    ----------
    scaling : PixelScaling
        The convention.
    images : int
        Number of images.
    accuracy : float
        Fraction of right answers, 0..1; 0 if some scores were not finite.
    loss : float
        Mean cross-entropy with the labels, after one temperature was fitted to the scores; infinite if some were not
        finite.
    temperature : float
        That temperature.
    """

    scaling: PixelScaling
    images: int
    accuracy: float
    loss: float
    temperature: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "pixel_range": self.scaling.name,
            "images": self.images,
            "accuracy": self.accuracy,
            "log_loss": self.loss if math.isfinite(self.loss) else None,
            "temperature": self.temperature if math.isfinite(self.temperature) else None,
        }


@dataclass(frozen=True)
class PixelProbe:
    """The conventions that were tried on a model, and the one that it was trained on. Create one with `measure`.

    Parameters
    ----------
    dataset : str
        Name of the data set.
    trials : tuple of Trial
        One for each convention, in the order of their likelihood.
    chosen : PixelScaling
        The convention under which the model reads best.
    ties : tuple of PixelScaling
        Conventions under which it reads as well; they are less usual.
    """

    dataset: str
    trials: tuple[Trial, ...]
    chosen: PixelScaling
    ties: tuple[PixelScaling, ...]

    @classmethod
    def measure(
        cls,
        logits_of: Callable[[Floats], Floats],
        data: LabelledImages,
        conventions: Sequence[PixelScaling] = PIXEL_CONVENTIONS,
    ) -> PixelProbe:
        """Show the images of `data` to a model under each of `conventions`.

        A convention is out in three cases: the model is far too sure or unsure of its answers for a trained one, and
        not two points better; it is clearly less often right on the same images than under another convention; with
        about as many right answers, its loss is clearly larger. Clearly means three standard errors of the paired
        difference.
        Losses are compared after one temperature was fitted to each convention, because pixels that are too large make
        every answer sure. Of the conventions that remain on 10,000 images and read within 0.1 points of the best, the
        likeliest is chosen.

        Parameters
        ----------
        logits_of : callable
            The model: a function from scaled pixels (n, 28, 28) to the scores before the last softmax or sigmoid,
            (n, 10); see `log_scores`.
        data : LabelledImages
            At most 10,000 random images are used.
        conventions : sequence of PixelScaling, optional
            What to try, the likeliest first.

        Raises
        ------
        ModelError
            If no convention gives finite scores.
        """
        order = np.random.default_rng(0).permutation(len(data.images))[: STAGES[-1]]  # sets may be sorted by digit
        logits = {scaling: np.empty((0, 10), np.float32) for scaling in conventions}
        trials: dict[PixelScaling, Trial] = {}
        left = list(conventions)
        for count in STAGES:
            start = len(logits[left[0]])
            images, labels = data.images[order[start:count]], data.labels[order[:count]]
            if len(images) == 0:
                break
            found = logits_of(np.concatenate([scaling.apply(images) for scaling in left]))
            for scaling, more in zip(left, np.split(found, len(left)), strict=True):
                logits[scaling] = np.concatenate([logits[scaling], more])
            evidence = {scaling: Evidence.of(logits[scaling], labels) for scaling in left}
            if not any(one.is_finite for one in evidence.values()):
                raise ModelError("The model gives scores that are not finite numbers. Train it again.")
            for scaling, one in evidence.items():
                accuracy, loss = float(one.right.mean()), float(one.losses.mean())
                trials[scaling] = Trial(scaling, len(labels), accuracy, loss, one.temperature)
            left = _best(evidence)
            if len(left) == 1:
                break
        most = max(trials[scaling].accuracy for scaling in left)
        left = [scaling for scaling in left if trials[scaling].accuracy >= most - TIE]
        return cls(data.name, tuple(trials[scaling] for scaling in conventions), left[0], tuple(left[1:]))

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "measured_on": self.dataset,
            "tried": [trial.as_dict() for trial in self.trials],
            "ties": [scaling.name for scaling in self.ties],
        }

    def __str__(self) -> str:
        """Return a table of two columns, which fits 80 characters, and the ties."""
        cells = [f"{trial.scaling.name:31} {trial.accuracy:6.1%}" for trial in self.trials]
        half = -(-len(cells) // 2)
        rows = [f"  {left}  {right}".rstrip() for left, right in zip(cells[:half], [*cells[half:], ""], strict=False)]
        last = f"  read as well: {', '.join(map(str, self.ties))}; the likelier is taken" if self.ties else None
        return "\n".join([*rows, *([last] if last else [])])


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the scores under one convention say.

    Parameters
    ----------
    right : ndarray of shape (n,), dtype bool
        Whether the answer is the label, for each image.
    losses : ndarray of shape (n,), dtype float64
        Cross-entropy with the label, for each image, after the temperature was fitted.
    temperature : float
        Divisor of the scores that makes the mean loss smallest. A trained model has about 1. Where it is much larger,
        the model is too sure of its answers; where it is much smaller, not sure enough.
    """

    right: npt.NDArray[np.bool_]
    losses: npt.NDArray[np.float64]
    temperature: float

    @classmethod
    def of(cls, logits: Floats, labels: npt.NDArray[np.uint8]) -> Evidence:
        """Examine scores, float32 (n, 10). If one is not finite, all answers count as wrong.

        The temperature is that of C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4.2.
        """
        from scipy.optimize import minimize_scalar

        if not np.isfinite(logits).all():
            return cls(np.zeros(len(labels), bool), np.full(len(labels), np.inf), math.inf)
        some = slice(None, None, max(1, len(labels) // STAGES[0]))  # enough for one number

        def mean_loss(exponent: float) -> float:
            return float(_losses(logits[some], labels[some], 2**exponent).mean())

        exponent = minimize_scalar(mean_loss, bounds=(-12, 14), method="bounded", options={"xatol": 0.02}).x
        return cls(logits.argmax(axis=1) == labels, _losses(logits, labels, 2**exponent), float(2**exponent))

    @property
    def is_finite(self) -> bool:
        """Whether all scores were finite."""
        return math.isfinite(self.temperature)

    @property
    def is_plausible(self) -> bool:
        """Whether the model is about as sure of its answers as a trained one."""
        return PLAUSIBLE[0] <= self.temperature <= PLAUSIBLE[1]


def _losses(logits: Floats, labels: npt.NDArray[np.uint8], temperature: float) -> npt.NDArray[np.float64]:
    """Return the cross-entropy with smoothed labels; without smoothing, all-right answers would have no temperature."""
    scaled = logits / np.float32(temperature)
    shifted = scaled - scaled.max(axis=1, keepdims=True)
    expected = (1 - SMOOTHING) * shifted[np.arange(len(labels)), labels] + SMOOTHING * shifted.mean(axis=1)
    return np.asarray(np.log(np.exp(shifted).sum(axis=1)) - expected, np.float64)


def _best(evidence: dict[PixelScaling, Evidence]) -> list[PixelScaling]:
    """Return the conventions that are not clearly worse than another one."""
    left = {scaling: one for scaling, one in evidence.items() if one.is_finite}
    plausible = {scaling: one for scaling, one in left.items() if one.is_plausible}
    if plausible and _accuracy(left) < _accuracy(plausible) + CLEARLY_BETTER:
        left = plausible
    most = max(left.values(), key=lambda one: int(one.right.sum()))
    left = {scaling: one for scaling, one in left.items() if not _is_clear(most.right.astype(float) - one.right)}
    least = min(left.values(), key=lambda one: float(one.losses.mean()))
    return [scaling for scaling, one in left.items() if not _is_clear(one.losses - least.losses)]


def _accuracy(evidence: dict[PixelScaling, Evidence]) -> float:
    return max(float(one.right.mean()) for one in evidence.values())


def _is_clear(differences: npt.NDArray[np.float64]) -> bool:
    """Return whether the mean of paired differences is clearly above 0."""
    return bool(differences.mean() > CLEAR * differences.std() / math.sqrt(len(differences)) + 1e-12)


def log_scores(scores: Floats, smallest: float = TINY) -> Floats:
    """Return the logarithm of scores 0..1, for a model that does not show what was before its softmax or sigmoid.

    Parameters
    ----------
    scores : ndarray of shape (n, 10), dtype float32
        Scores of the model. They are returned unchanged if one is outside of 0..1.
    smallest : float, optional
        Smallest score of which a logarithm is taken: smaller ones are rounded to 0.
    """
    if scores.min() < 0 or scores.max() > 1:
        return scores
    found = np.log(np.maximum(scores, smallest))
    found[np.partition(found, -2)[:, -2] < HIDDEN] *= 10  # the difference may be of any size
    return np.asarray(found, np.float32)
