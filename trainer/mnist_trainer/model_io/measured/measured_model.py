"""`MeasuredModel`: base class of Keras models and model files whose pixel scaling is known."""

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
"""Number of images from whose scores the activation is derived."""


@dataclass(frozen=True, eq=False)
class MeasuredModel(ABC):
    """A model, its pixel scaling, its last activation and its task.

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
        """One line for the user about the pixel scaling and its origin."""

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
        """Return a warning with advice if another scaling fits far better than the given or recorded one.

        Parameters
        ----------
        data : LabelledImages
            Real images with labels, of the model's task.
        noun : str
            Word for the model in the warning.

        Returns
        -------
        str or None
            The warning. None if there is no doubt, the scaling was measured, or no other one can be tried.
        """
        return None

    def accuracy_with_new_averages(self, data: LabelledImages) -> float | None:  # noqa: ARG002
        """Return the accuracy of the model after its batch normalization statistics are recomputed from `data`.

        None if the model has no batch normalization, or its layers cannot be changed.
        """
        return None

    def describe(self) -> str:
        """Return one line about the scaling and, if it was measured, a table of the accuracy with each scaling."""
        if self.probe is None:
            return self.pixel_line
        return f"{self.pixel_line}; right answers with each scaling tried:\n{self.probe}"

    def pixels_as_dict(self) -> dict[str, Any]:
        """Return the scaling, its origin and the trials as values for JSON."""
        probe = self.probe.as_dict() if self.probe else {}
        return {**self.scaling.as_dict(), "origin": self.range_origin, **probe}


def check_finite(scores: npt.NDArray[np.float32], fix: str = "Train it again, with a smaller learning rate.") -> None:
    """Check that all scores of a model are finite numbers.

    Parameters
    ----------
    scores : ndarray of shape (n, k), dtype float32
        Scores for n images.
    fix : str, optional
        Advice for the user in the error message.

    Raises
    ------
    ModelError
        If a score is NaN or infinite.
    """
    bad = int((~np.isfinite(scores)).any(axis=1).sum())
    if bad:
        raise ModelError(
            f"The model gives scores that are not finite numbers, but nan or infinity, for {bad:,} of "
            f"{len(scores):,} images. {fix}"
        )


def activation_of(scores: npt.NDArray[np.float32], step: float = 0.0) -> str:
    """Return the activation that gave `scores`, derived from their range.

    The layers are not inspected, because a custom layer may apply an activation in its own code.

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
