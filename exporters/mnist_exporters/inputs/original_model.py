"""`OriginalModel`: the interface of an original for exports and the accuracy check, for all kinds of models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from mnist_exporters.inputs.labelled_images import LabelledImages
from mnist_runtime.artifact.task import Task
from mnist_trainer.recipes.pixel_scaling import PixelScaling

__all__ = ["Floats", "OriginalModel", "Trial"]

Floats = npt.NDArray[np.float32]

Trial = Callable[[Callable[[Floats], list[Floats]], Floats], tuple[list[Floats], list[Floats]]]
"""Function of a model and pixels that runs the model in two ways, and returns the outputs of each layer for both."""


class OriginalModel(Protocol):
    """A model with which exported files are compared: a Keras model (`Original`) or a model file."""

    @property
    def name(self) -> str:
        """Name in file names and reports."""
        ...

    @property
    def kind(self) -> str:
        """Kind of the model: ``"keras"``, ``"onnx"``, ``"tflite"`` or ``"sealed"`` (a file that was exported)."""
        ...

    @property
    def task(self) -> Task:
        """Size and channels of its images, its labels, and how a picture is prepared."""
        ...

    @property
    def sha256(self) -> str:
        """SHA-256 of its file; empty if there is none."""
        ...

    @property
    def rejects_non_digits(self) -> bool | None:
        """Whether it was also trained on images without a digit; None if not known."""
        ...

    @property
    def scaling(self) -> PixelScaling:
        """The pixel scaling that it expects."""
        ...

    @property
    def pixel_range(self) -> str:
        """Name of `scaling`."""
        ...

    @property
    def range_origin(self) -> str:
        """Origin of `scaling`: ``"as given"``, ``"as recorded"`` or ``"measured"``."""
        ...

    @property
    def input_scaling(self) -> PixelScaling:
        """The pixel scaling that the quantized input of an integer file expresses."""
        ...

    @property
    def activation(self) -> str:
        """Kind of its output: ``"softmax"``, ``"sigmoid"`` or ``"logits"``."""
        ...

    @property
    def score_kind(self) -> str:
        """Activation of the result of `scores`: ``"softmax"`` or ``"sigmoid"``."""
        ...

    def count_params(self) -> int:
        """Return the number of its parameters."""
        ...

    def describe(self) -> str:
        """Return a text that says which pixel scaling the model expects."""
        ...

    def doubt_of_pixels(self, data: LabelledImages, noun: str) -> str | None:
        """Return advice if another pixel scaling than the stated or recorded one fits `data` far better; else None.

        `noun` names the model in this text.
        """
        ...

    def accuracy_with_new_averages(self, data: LabelledImages) -> float | None:
        """Return the accuracy on `data`, 0..1, if batch normalization uses averages from these images.

        None if the model has no batch normalization, or is not a Keras model.
        """
        ...

    def pixels_as_dict(self) -> dict[str, Any]:
        """Return which pixel scaling it expects, ready for JSON."""
        ...

    def scores(self, images: npt.NDArray[np.uint8]) -> Floats:
        """Return scores 0..1, float32 (n, k), for raw pixels uint8 (n, h, w) or (n, h, w, 3)."""
        ...

    def changing_layer(self, images: npt.NDArray[np.uint8], trial: Trial) -> str:
        """Return words for a message that name the first layer whose output changes in `trial`; empty if none does."""
        ...
