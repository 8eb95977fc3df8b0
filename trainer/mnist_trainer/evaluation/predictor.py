"""`load_scorer`: any digit model, Keras's or exported, as one function from images to scores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mnist_trainer.errors import ModelError

if TYPE_CHECKING:
    import keras

__all__ = ["EXPORTED", "Predictor", "keras_scorer", "load_scorer"]

Predictor = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
"""From images, uint8 (n, 28, 28), to scores, float32 (n, 10)."""

ROUNDING = 1e-3
"""By which a share may exceed 1 and still be none of the logits."""

EXPORTED = (".tflite", ".onnx")
"""Endings of the files that `mnist_runtime` runs."""


def load_scorer(model: str, *, trust: bool = False, pixel_scale: float = 1 / 255) -> Predictor:
    """Load a model and return the function that asks it.

    Parameters
    ----------
    model : str
        A ready model's name, the path of a Keras model, or of a file made by ``mnist-export``, which is run by the
        device's own code.
    trust : bool
        See `load_model`.
    pixel_scale : float
        What a Keras model wants pixels 0..255 multiplied by; an exported one takes them as they are.

    Raises
    ------
    ToolkitError
        If the model is missing, damaged or unsuitable.

    Examples
    --------
    >>> import numpy as np
    >>> load_scorer("mlp")(np.zeros((2, 28, 28), np.uint8)).shape
    (2, 10)
    """
    if Path(model).suffix in EXPORTED:
        from mnist_runtime import Classifier

        return Classifier.load(model).predict_proba
    from mnist_trainer.keras_support import import_tensorflow
    from mnist_trainer.model_io.load import load_model

    import_tensorflow()
    return keras_scorer(load_model(model, trust=trust), pixel_scale)


def keras_scorer(model: keras.Model, pixel_scale: float = 1 / 255) -> Predictor:
    """Return the function that asks `model`, which takes ``(n, 28, 28)``, ``(n, 28, 28, 1)`` or ``(n, 784)``.

    Raises
    ------
    ModelError
        If it takes or gives another shape; when asked, if it fails or gives scores that are not finite.
    """
    from mnist_trainer.model_io.digit_model import digit_model

    model = digit_model(model)

    def score(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        pixels = images.reshape(-1, *model.input_shape[1:]).astype(np.float32) * np.float32(pixel_scale)
        scores = np.asarray(model.predict(pixels, batch_size=500, verbose=0), np.float32)
        if not np.isfinite(scores).all():
            raise ModelError("Expected a model that gives finite scores, received nan or infinity; train it again.")
        return _shares(scores)

    return score


def _shares(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return scores 0..1: as they are, or the probabilities that logits stand for."""
    from scipy.special import softmax

    is_share = scores.min() >= 0 and scores.max() <= 1 + ROUNDING
    return scores if is_share else np.asarray(softmax(scores, axis=1), np.float32)
