"""Measure which pixel range a Keras digit model was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from mnist_trainer.errors import ModelError, UsageError
from mnist_trainer.keras_support import default_settings
from mnist_trainer.model_io.input_shape import check_digit_model
from mnist_trainer.recipes.choices import PIXEL_RANGES

if TYPE_CHECKING:
    import keras

__all__ = ["DigitModel"]

PROBE_IMAGES = 1000
"""Number of images on which the two ranges are compared."""

CLEARLY_BETTER = 0.02
"""Difference in accuracy, as a fraction, above which the better range is chosen."""
CONFIDENT = 0.25
"""Mean confidence from which the answers of a model count as confident; chance is 0.1."""


class LabelledImages(Protocol):
    """A data set: images uint8 (n, 28, 28), white on black, and their labels uint8 (n,)."""

    @property
    def images(self) -> npt.NDArray[np.uint8]: ...

    @property
    def labels(self) -> npt.NDArray[np.uint8]: ...


@dataclass(frozen=True, eq=False)
class DigitModel:
    """A Keras digit model with its pixel range and its last activation. Create one with `DigitModel.measure`.

    Parameters
    ----------
    model : keras.Model
        A model from ``(n, 28, 28)``, ``(n, 28, 28, 1)`` or ``(n, 784)`` to ten scores.
    pixel_range : str
        A key of `PIXEL_RANGES`.
    range_origin : str
        Origin of `pixel_range`: ``"as given"``, ``"as recorded"`` or ``"measured"``.
    activation : str
        Kind of the model's scores: ``"softmax"``, ``"sigmoid"`` or ``"logits"``.
    """

    model: keras.Model
    pixel_range: str
    range_origin: str
    activation: str

    @classmethod
    def measure(
        cls, model: keras.Model, data: LabelledImages, *, given: str | None = None, recorded: str | None = None
    ) -> DigitModel:
        """Check `model` and measure its pixel range and its activation.

        Without a given or recorded range, both ranges are tried on up to 1,000 random images of `data`. The range with
        clearly more right answers is chosen. If the accuracies are close, the range is 0..1 if the model is confident
        there.

        Parameters
        ----------
        model : keras.Model
            The model.
        data : LabelledImages
            Real images with labels.
        given : str, optional
            The pixel range that the user states.
        recorded : str, optional
            The pixel range in the training record of the model; used if none is given.

        Raises
        ------
        ModelError
            If the model has another shape or several inputs or outputs, fails, or gives no finite scores.
        UsageError
            If the given range is not one of `PIXEL_RANGES`.

        Examples
        --------
        >>> from mnist_trainer import load_data, load_model
        >>> found = DigitModel.measure(load_model("mlp"), load_data("digits").test)
        >>> found.pixel_range, found.range_origin, found.activation
        ('0..1', 'measured', 'softmax')
        """
        model = check_digit_model(model)
        stated = given or recorded
        if stated is not None and stated not in PIXEL_RANGES:
            raise UsageError(f"The pixel range {stated!r} is unknown. Choose one of {', '.join(PIXEL_RANGES)}.")
        chosen = np.random.default_rng(0).permutation(len(data.images))[:PROBE_IMAGES]  # sets may be sorted by digit
        images, labels = data.images[chosen], data.labels[chosen]
        scores = {name: _raw_scores(model, images, name) for name in ([stated] if stated else PIXEL_RANGES)}
        finite = {name: found for name, found in scores.items() if np.isfinite(found).all()}
        if not finite:
            raise ModelError("The model gives scores that are not finite numbers. Train it again.")
        best = next(iter(finite)) if len(finite) == 1 else _likelier_range(finite, labels)
        origin = "as given" if given else "as recorded" if recorded else "measured"
        return cls(model, best, origin, _activation(finite[best]))

    @property
    def pixel_scale(self) -> float:
        """Factor from raw pixels 0..255 to the range that the model was trained on."""
        return PIXEL_RANGES[self.pixel_range]

    def raw_scores(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the output of the unchanged model, float32 (n, 10), for raw pixels uint8 (n, 28, 28).

        NumPy scales the pixels here, as the user did in training. No code is shared with the exported files.
        """
        return _raw_scores(self.model, images, self.pixel_range)

    def scores(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return `raw_scores`, with logits turned into probabilities: float32 (n, 10), 0..1."""
        raw = self.raw_scores(images)
        return _softmax(raw) if self.activation == "logits" else raw


def _raw_scores(model: keras.Model, images: npt.NDArray[np.uint8], pixel_range: str) -> npt.NDArray[np.float32]:
    pixels = images.astype(np.float32).reshape(-1, *model.input_shape[1:])
    scaled = pixels / np.float32(255) if pixel_range == "0..1" else pixels
    with default_settings():
        return np.asarray(model.predict(scaled, batch_size=512, verbose=0), np.float32)


def _activation(scores: npt.NDArray[np.float32]) -> str:
    """Return the activation that made `scores`. The layers do not show it if one applies it in its own code."""
    if scores.min() < 0 or scores.max() > 1 + 1e-3:
        return "logits"
    return "softmax" if np.allclose(scores.sum(axis=1), 1, atol=1e-3) else "sigmoid"


def _softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def _likelier_range(scores: dict[str, npt.NDArray[np.float32]], labels: npt.NDArray[np.uint8]) -> str:
    """Return the range under which `scores` look like those of a trained model.

    The loss does not decide it. Most networks keep their answers under a range that is too large, with more confidence,
    so the loss falls where nearly all answers are right. A dense network trained on 0..255 is so confident in its few
    mistakes that its loss is lower under 0..1, where it is unsure of everything; the confidence shows that.
    docs/architecture.md has the measurement.
    """
    accuracy = {name: float(np.mean(found.argmax(axis=1) == labels)) for name, found in scores.items()}
    if abs(accuracy["0..1"] - accuracy["0..255"]) > CLEARLY_BETTER:
        return max(accuracy, key=lambda name: accuracy[name])
    small = scores["0..1"]
    sums_to_one = _softmax(small) if _activation(small) == "logits" else small
    sums_to_one = sums_to_one / np.maximum(sums_to_one.sum(axis=1, keepdims=True), 1e-30)
    return "0..255" if float(sums_to_one.max(axis=1).mean()) < CONFIDENT else "0..1"
