"""`load_predictor`: load any model, Keras or exported, as a function from images to scores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import printable
from mnist_trainer.data.dataset import LabelledImages, check_same_task
from mnist_trainer.foreign.file_model import FileModel
from mnist_trainer.foreign.load import find_source, load_model_file
from mnist_trainer.model_io.find import find_model
from mnist_trainer.model_io.load import load_with_digest
from mnist_trainer.model_io.measured.digit_model import DigitModel
from mnist_trainer.model_io.measured.measured_model import MeasuredModel, check_finite
from mnist_trainer.recipes.pixel_scaling import PixelScaling

__all__ = ["EXPORTED", "Predictor", "load_predictor", "predictor_of"]

Predictor = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
"""Function of images, uint8 (n, h, w[, 3]), to scores, float32 (n, k)."""

FEW, DOUBTED_BELOW = 500, 0.8
"""Number of images on which the accuracy is measured, and accuracy below which other pixel scalings are tried."""

EXPORTED = (".tflite", ".onnx")
"""Suffixes of the files that `mnist_runtime` runs."""


def load_predictor(
    model: str,
    data: LabelledImages,
    *,
    trust: bool = False,
    pixel_range: PixelScaling | str | None = None,
    report: Callable[[str], None] | None = None,
) -> Predictor:
    """Load a model and return the function that classifies images with it.

    Parameters
    ----------
    model : str
        Name of a ready model, or path of a Keras model or of a ``.tflite`` or ``.onnx`` file. A file from
        ``mnist-export`` runs with the same code as on a device. A file from another tool runs in a child process.
    data : LabelledImages
        Images on which the scaling of pixels is measured; see `probe_images`.
    trust : bool
        See `load_model`.
    pixel_range : PixelScaling or str, optional
        How pixels were scaled in training. Default: as in the training record, or measured.
    report : callable, optional
        Called with each message about the pixel scaling of a Keras model or of a file from another tool.

    Raises
    ------
    ToolkitError
        If the model is missing, damaged or unsuitable.

    Examples
    --------
    >>> from mnist_trainer import load_data
    >>> test = load_data("digits").test
    >>> load_predictor("mlp", test)(test.images[:2]).shape
    (2, 10)
    """
    if Path(model).suffix in EXPORTED:
        exported = load_model_file(find_source(model), data, given=pixel_range)
        check_same_task(model, exported.task, data.task)
        if report and isinstance(exported, FileModel):
            report(f"{printable(model)}: {exported.describe()}")
        return predictor_of(exported)
    file = find_model(model)
    loaded, sha256 = load_with_digest(file, trust=trust, task=data.task)
    recorded = file.recorded_pixels(loaded, sha256)
    found = DigitModel.measure(loaded, data, given=pixel_range, recorded=recorded)
    if report:
        report(f"{printable(model)}: {found.describe()}")
        if doubt := _doubt(found, data):
            report(f"warning: {doubt}")
    return predictor_of(found)


def _doubt(model: DigitModel, data: LabelledImages) -> str | None:
    """Return advice if the accuracy is low and another pixel scaling fits far better, such as one for black on white.

    Other scalings are tried only if the accuracy is low, because that takes as long as 14,000 images.
    """
    some = np.random.default_rng(0).permutation(len(data.images))[:FEW]
    is_right = model.scores(data.images[some]).argmax(axis=1) == data.labels[some]
    return None if is_right.mean() >= DOUBTED_BELOW else model.doubt_of_pixels(data, "model")


def predictor_of(model: MeasuredModel) -> Predictor:
    """Return the function that classifies images with `model`.

    It raises a `ModelError` if a score is not a finite number.
    """

    def predict(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        scores = model.scores(images)
        check_finite(scores)
        return scores

    return predict
