"""`SealedModel`: a file from ``mnist-export``, used like a Keras model and run with the same code as on a device."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime import Classifier
from mnist_trainer.model_io.find import ModelFile
from mnist_trainer.model_io.measured.measured_model import MeasuredModel
from mnist_trainer.recipes.pixel_scaling import PixelScaling

__all__ = ["SealedModel"]


@dataclass(frozen=True, eq=False)
class SealedModel(MeasuredModel):
    """A file from ``mnist-export``. Create it with `SealedModel.load`.

    Parameters
    ----------
    scaling, range_origin, activation, probe, task
        See `MeasuredModel`. The input of the file is raw pixels.
    file : ModelFile
        Path and name.
    classifier : Classifier
        The loaded file.
    """

    file: ModelFile
    classifier: Classifier
    kind = "sealed"

    @classmethod
    def load(cls, file: ModelFile) -> SealedModel:
        """Load a file from ``mnist-export``.

        Raises
        ------
        UnsealedError
            If another tool made the file.
        ArtifactError
            If it is missing or damaged.
        """
        classifier = Classifier.load(file.path, threads=os.cpu_count() or 1)
        raw = PixelScaling.between(0, 255)
        return cls(raw, "as recorded", classifier.manifest.scores, None, classifier.manifest.task, file, classifier)

    @property
    def name(self) -> str:
        """Name for reports."""
        return self.file.name

    @property
    def sha256(self) -> str:
        """SHA-256 of the file."""
        return self.file.sha256

    @property
    def rejects_non_digits(self) -> bool | None:
        """Whether the original Keras model was also trained on pictures without a digit; None if not known."""
        known = self.classifier.manifest.source.get("rejects_non_digits")
        return known if isinstance(known, bool) else None

    @property
    def input_scaling(self) -> PixelScaling:
        """See `scaling`."""
        return self.scaling

    def count_params(self) -> int:
        """Return the number of parameters of the original Keras model; 0 if this is not known."""
        return int(self.classifier.manifest.source.get("parameters", 0))

    def changing_layer(self, images: npt.NDArray[np.uint8], trial: Any) -> str:
        """Return an empty string, because the layers inside a file are not accessible."""
        del images, trial
        return ""

    @property
    def pixel_line(self) -> str:
        """See `MeasuredModel.pixel_line`."""
        return "takes raw pixels, as its manifest says"

    def raw_scores(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return scores 0..1, float32 (n, k), for raw pixels uint8 (n, h, w[, 3])."""
        return self.classifier.predict_proba(images)
