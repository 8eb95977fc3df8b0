"""`OriginalModel`: what an export and its proof need to know about the original, whatever made it."""

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
"""Function that runs a model twice, in two ways, and returns the two results for each layer."""


class OriginalModel(Protocol):
    """A model with which files are compared: a Keras model (`Original`) or a model file."""

    @property
    def name(self) -> str:
        """Name in file names and reports."""
        ...

    @property
    def kind(self) -> str:
        """What it can be converted from: ``"keras"``, ``"onnx"``, ``"tflite"`` or ``"sealed"``."""
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
        """Whether it was trained on pictures without a digit too; None if not known."""
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
        """The scaling that the quantized input of an integer file has."""
        ...

    @property
    def activation(self) -> str:
        """Kind of its scores: ``"softmax"``, ``"sigmoid"`` or ``"logits"``."""
        ...

    @property
    def score_kind(self) -> str:
        """Kind of `scores`: ``"softmax"`` or ``"sigmoid"``."""
        ...

    def count_params(self) -> int:
        """Return the number of its parameters."""
        ...

    def describe_pixels(self) -> str:
        """Return which pixel scaling it expects, for people."""
        ...

    def doubt_of_pixels(self, data: LabelledImages, noun: str) -> str | None:
        """Return what to do if another scaling than the stated or recorded one fits `data` far better; else None.

        `noun` names the model in this text.
        """
        ...

    def accuracy_with_new_averages(self, data: LabelledImages) -> float | None:
        """Return the fraction of right answers if batch normalization gets its averages from the images of `data`.

        None if the model has no such layers, or is no Keras model.
        """
        ...

    def pixels_as_dict(self) -> dict[str, Any]:
        """Return which pixel scaling it expects, ready for JSON."""
        ...

    def scores(self, images: npt.NDArray[np.uint8]) -> Floats:
        """Return scores 0..1, float32 (n, k), for raw pixels uint8 (n, h, w) or (n, h, w, 3)."""
        ...

    def changing_layer(self, images: npt.NDArray[np.uint8], trial: Trial) -> str:
        """Return words that name the first layer whose output changes in `trial`; an empty string if none is found."""
        ...
