"""`MeasuredModel`: what Keras models and model files have in common once their pixel scaling is known."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.task import Task
from mnist_trainer.data.dataset import LabelledImages
from mnist_trainer.errors import ModelError
from mnist_trainer.model_io.pixel_probe.probe import PixelProbe
from mnist_trainer.recipes.pixel_scaling import PixelScaling

__all__ = ["ACTIVATION_IMAGES", "MeasuredModel", "activation_of", "check_finite"]

ACTIVATION_IMAGES = 1000
"""Number of images whose scores show the activation."""


@dataclass(frozen=True, eq=False)
class MeasuredModel(ABC):
    """A model with the scaling of its pixels, its last activation and its task.

    Parameters
    ----------
    scaling : PixelScaling
        How the pixels were scaled in training.
    range_origin : str
        Origin of `scaling`: ``"as given"``, ``"as recorded"`` or ``"measured"``; ``"assumed"`` if a model that is tuned
        has no images on which it can be measured.
    activation : str
        Kind of the model's output: ``"softmax"``, ``"sigmoid"`` or ``"logits"``.
    probe : PixelProbe or None
        The measurement of `scaling`; None if it was given or recorded.
    task : Task
        Size and channels of its images, the names of its classes and how a device prepares a picture.
    """

    scaling: PixelScaling
    range_origin: str
    activation: str
    probe: PixelProbe | None
    task: Task

    @property
    @abstractmethod
    def pixel_line(self) -> str:
        """One line about the scaling and its origin, for people."""

    @abstractmethod
    def raw_scores(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the model's output as real numbers, float32 (n, k), for raw pixels uint8 (n, h, w[, 3])."""

    def scores(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return `raw_scores`, with logits turned into probabilities: float32 (n, k), 0..1."""
        raw = self.raw_scores(images)
        return _softmax(raw) if self.activation == "logits" else raw

    @property
    def score_kind(self) -> str:
        """Activation of `scores`: ``"softmax"`` or ``"sigmoid"``."""
        return "sigmoid" if self.activation == "sigmoid" else "softmax"

    @property
    def pixel_range(self) -> str:
        """Name of `scaling`, such as ``"0..1"``."""
        return self.scaling.name

    def doubt_of_pixels(self, data: LabelledImages, noun: str) -> str | None:  # noqa: ARG002
        """Return a sentence and what to do if another scaling than the stated or recorded one fits far better.

        Parameters
        ----------
        data : LabelledImages
            Real images with labels, of the model's task.
        noun : str
            What the sentence calls the model.

        Returns
        -------
        str or None
            None also if the scaling was measured, or no other one can be tried.
        """
        return None

    def accuracy_with_new_averages(self, data: LabelledImages) -> float | None:  # noqa: ARG002
        """Return the fraction of right answers if batch normalization gets its averages from the images of `data`.

        None if the model has no such layers, or they cannot be changed.
        """
        return None

    def describe_pixels(self) -> str:
        """Return one line about the scaling, and the accuracy under each convention if it was measured."""
        if self.probe is None:
            return self.pixel_line
        return f"{self.pixel_line}; right answers under each convention tried:\n{self.probe}"

    def pixels_as_dict(self) -> dict[str, Any]:
        """Return the scaling, its origin and what was tried, ready for JSON."""
        probe = self.probe.as_dict() if self.probe else {}
        return {**self.scaling.as_dict(), "origin": self.range_origin, **probe}


def check_finite(scores: npt.NDArray[np.float32], fix: str = "Train it again, with a smaller learning rate.") -> None:
    """Check that a model gave a number for each score of each image.

    Parameters
    ----------
    scores : ndarray of shape (n, k), dtype float32
        Scores for n images.
    fix : str, optional
        What the user can do.

    Raises
    ------
    ModelError
        If a score is nan or infinity.
    """
    bad = int((~np.isfinite(scores)).any(axis=1).sum())
    if bad:
        raise ModelError(
            f"The model gives scores that are not finite numbers, but nan or infinity, for {bad:,} of "
            f"{len(scores):,} images. {fix}"
        )


def activation_of(scores: npt.NDArray[np.float32], step: float = 0.0) -> str:
    """Return the activation of `scores`, judged by their range, since a custom layer may apply it in its own code.

    Parameters
    ----------
    scores : ndarray of shape (n, k), dtype float32
        Scores of a model for real images.
    step : float, optional
        Distance between two scores that an integer output can hold; 0 for floats.

    Returns
    -------
    str
        ``"softmax"``, ``"sigmoid"`` or ``"logits"``.
    """
    if scores.min() < 0 or scores.max() > 1 + 1e-3:
        return "logits"
    largest = 1e-3 + scores.shape[1] * step / 2
    return "softmax" if np.allclose(scores.sum(axis=1), 1, atol=largest) else "sigmoid"


def _softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the probabilities that belong to `logits`, float32 (n, k)."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)
