"""`PixelProbe`: find out which pixel scaling a model expects, by trying every usual convention on images."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_trainer.data.dataset import ImageSet, LabelledImages
from mnist_trainer.errors import ModelError
from mnist_trainer.model_io.pixel_probe.evidence import Evidence, best_conventions, without_borrowed
from mnist_trainer.model_io.pixel_probe.label_order import in_other_order
from mnist_trainer.recipes.pixel_scaling import PIXEL_CONVENTIONS, PixelScaling

__all__ = ["PixelProbe", "Trial", "probe_images"]

Floats = npt.NDArray[np.float32]

STAGES = (1000, 3000, 10_000)
"""Numbers of images of the stages. All conventions are tried on the first number of images, the best ones on more."""

TIE = 0.001
"""Difference in accuracy, as a fraction, up to which two conventions count as equally accurate."""

TIE_IMAGES = 2
"""Difference in right answers up to which two conventions always count as equal; of 1,000 images, 2 exceed `TIE`."""


NEARLY = 0.005
"""A more usual convention than the chosen one is mentioned if its accuracy is lower by at most this fraction."""


def probe_images(train: LabelledImages, test: LabelledImages) -> LabelledImages:
    """Return the images on which the scaling of pixels is measured.

    These are training images, because test images are meant only for reported results. If there are fewer than 1,000,
    the test images are added: a wrong scaling would do more harm.
    """
    if len(train.images) >= STAGES[0]:
        return train
    images, labels = np.concatenate([train.images, test.images]), np.concatenate([train.labels, test.labels])
    return ImageSet(train.name, images, labels, train.task)


@dataclass(frozen=True)
class Trial:
    """The accuracy of a model under one convention.

    Parameters
    ----------
    scaling : PixelScaling
        The convention.
    images : int
        Number of images.
    accuracy : float
        Fraction of right answers, 0..1; 0 if some scores were not finite.
    loss : float
        Mean cross-entropy with the labels, in the order of `PixelProbe.reordered`, after one temperature was fitted to
        the scores; infinite if some were not finite.
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
        One for each convention, the most usual first.
    chosen : PixelScaling
        The convention that fits best; see `measure`. It need not have the highest accuracy in `trials`.
    ties : tuple of PixelScaling
        Less usual conventions that fit as well, within 0.1 points of accuracy or two images.
    reordered : float, optional
        Fraction of right answers under `chosen` if the labels are in another order, by which it was chosen. Default:
        their order is right, or no other one is clear.
    close : tuple of PixelScaling
        More usual conventions that are nearly as accurate on the same images, but fit the scores clearly less well.
    """

    dataset: str
    trials: tuple[Trial, ...]
    chosen: PixelScaling
    ties: tuple[PixelScaling, ...]
    reordered: float | None = None
    close: tuple[PixelScaling, ...] = ()

    @classmethod
    def measure(
        cls,
        logits_of: Callable[[Floats], Floats],
        data: LabelledImages,
        conventions: Sequence[PixelScaling] = PIXEL_CONVENTIONS,
        borrowed: Collection[PixelScaling] = (),
    ) -> PixelProbe:
        """Classify the images of `data` with a model under each of `conventions`, and choose one.

        A convention is rejected in three cases:

        1. The confidences are far too high or too low for a trained model, and the accuracy is not two points better.
        2. The accuracy on the same images is clearly lower than under another convention.
        3. The accuracy is about the same, but the loss is clearly larger.

        "Clearly" means by three standard errors of the paired difference. Losses are compared after one temperature was
        fitted to each convention, because pixels that are too large raise every confidence. Of the conventions that
        remain on 10,000 images and are within 0.1 points of the best, or within two images, the most usual one is
        chosen. If the model reads well with the labels in another order only, that order is used to choose.

        Parameters
        ----------
        logits_of : callable
            The model: a function from scaled pixels (n, h, w[, 3]) to the scores before the last softmax or sigmoid,
            (n, k); see `mnist_trainer.model_io.pixel_probe.evidence.log_scores`.
        data : LabelledImages
            At most 10,000 random images are used.
        conventions : sequence of PixelScaling, optional
            What to try, the most usual first.
        borrowed : collection of PixelScaling, optional
            Those with numbers of other images than `data`. They are rejected too if their accuracy is about the same.

        Raises
        ------
        ModelError
            If no convention gives finite scores.
        """
        order = np.random.default_rng(0).permutation(len(data.images))[: STAGES[-1]]  # may be sorted by class
        logits = {scaling: np.empty((0, len(data.task.labels)), np.float32) for scaling in conventions}
        trials: dict[PixelScaling, Trial] = {}
        candidates = list(conventions)
        order_of_labels: npt.NDArray[np.intp] | None = None
        for count in STAGES:
            start = len(logits[candidates[0]])
            images, labels = data.images[order[start:count]], data.labels[order[:count]]
            if len(images) == 0:
                break
            found = logits_of(np.concatenate([scaling.apply(images) for scaling in candidates]))
            for scaling, more in zip(candidates, np.split(found, len(candidates)), strict=True):
                logits[scaling] = np.concatenate([logits[scaling], more])
            if start == 0:
                order_of_labels = in_other_order(logits, labels)
            expected = labels if order_of_labels is None else order_of_labels[labels]
            evidence = {scaling: Evidence.of(logits[scaling], expected) for scaling in candidates}
            if not any(one.is_finite for one in evidence.values()):
                raise ModelError("The model gives scores that are not finite numbers. Train it again.")
            for scaling, one in evidence.items():
                accuracy = float((logits[scaling].argmax(axis=1) == labels).mean()) if one.is_finite else 0.0
                trials[scaling] = Trial(scaling, len(labels), accuracy, float(one.losses.mean()), one.temperature)
            candidates = best_conventions(without_borrowed(evidence, borrowed))
            if len(candidates) == 1:
                break
        accuracies = {scaling: float(evidence[scaling].right.mean()) for scaling in candidates}
        tie = max(TIE, TIE_IMAGES / trials[candidates[0]].images) + 1e-9
        candidates = [scaling for scaling in candidates if accuracies[scaling] >= max(accuracies.values()) - tie]
        reordered = None if order_of_labels is None else accuracies[candidates[0]]
        right = {scaling: each.argmax(axis=1) == expected[: len(each)] for scaling, each in logits.items()}
        close = tuple(
            scaling
            for scaling in conventions[: conventions.index(candidates[0])]
            if right[scaling].mean() >= right[candidates[0]][: len(right[scaling])].mean() - NEARLY
        )
        tried = tuple(trials[scaling] for scaling in conventions)
        return cls(data.name, tried, candidates[0], tuple(candidates[1:]), reordered, close)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        own = {"pixel_numbers_from": self.dataset} if self.has_own_numbers else {}
        return {
            "measured_on": self.dataset,
            **own,
            "tried": [trial.as_dict() for trial in self.trials],
            "ties": [scaling.name for scaling in self.ties],
        }

    @property
    def has_own_numbers(self) -> bool:
        """Whether the chosen scaling has the mean and deviation of the images themselves."""
        return self.chosen not in PIXEL_CONVENTIONS and self.chosen.name.startswith("mean")

    @property
    def _is_outscored(self) -> bool:
        """Whether the table has a higher accuracy than that of the chosen scaling, which needs an explanation."""
        accuracies = {trial.scaling: trial.accuracy for trial in self.trials}
        return max(accuracies.values()) > accuracies[self.chosen] + TIE

    def __str__(self) -> str:
        """Return a table in 80 columns, the ties, and, if needed, why the highest accuracy was not chosen."""
        cells = [f"{trial.scaling.name:31} {trial.accuracy:6.1%}" for trial in self.trials]
        half = -(-len(cells) // 2)
        rows = [f"  {left}  {right}".rstrip() for left, right in zip(cells[:half], [*cells[half:], ""], strict=False)]
        if self.has_own_numbers:
            rows += _wrapped(f"{self.chosen}: mean and standard deviation of the pixels of {self.dataset}, measured")
        if self.ties:
            rows.append(f"  equally accurate: {', '.join(map(str, self.ties))}; the more usual one is used")
        if self.reordered is not None:
            rows.append(f"  {self.chosen} reads {self.reordered:.1%} right with the labels in another order")
        elif self._is_outscored:
            rows += _wrapped(f"{self._counts}; how well the scores fit the labels counts too")
        if self.reordered is None:
            for scaling in self.close:
                rows += _wrapped(
                    f"{scaling} is nearly as accurate on the same images, but fits the scores less well. If it is that "
                    f"of the training, state it: {scaling.options}"
                )
        return "\n".join(rows)

    @property
    def _counts(self) -> str:
        """The number of images of each row."""
        names: dict[int, list[str]] = {}
        for trial in sorted(self.trials, key=lambda trial: -trial.images):
            names.setdefault(trial.images, []).append(trial.scaling.name)
        *more, fewest = names
        if not more:
            return f"of {fewest:,} images each"
        parts = [f"of {count:,} images: {', '.join(names[count])}" for count in more]
        return "; ".join([*parts, f"of {fewest:,}: all others"])


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 80, initial_indent="  ", subsequent_indent="  ")
