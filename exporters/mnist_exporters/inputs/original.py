"""`Original`: the Keras model that is exported, whatever shape and range of pixels it was trained on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import ModelError, UsageError
from mnist_exporters.inputs.labelled_images import LabelledImages
from mnist_exporters.inputs.static_shapes import with_static_shapes

if TYPE_CHECKING:
    import keras

__all__ = ["PIXEL_RANGES", "Original"]

PIXEL_RANGES: dict[str, float] = {"0..1": 1 / 255, "0..255": 1.0}
"""Range that a model was trained on -> what raw pixels are multiplied by to get there."""

INPUT_SHAPES = ((28, 28), (28, 28, 1), (784,))
PROBE = 1000
"""Images that suffice to tell the ranges apart."""

CLEARLY_BETTER = 0.02
"""Difference of two accuracies, as a share, by which one range is taken for the model's own."""
SURE = 0.25
"""Mean share of the best answer from which a model is taken to mean it; chance is 0.1."""


@dataclass(frozen=True, eq=False)
class Original:
    """A Keras digit model and how it wants to be asked. Make one with `Original.from_keras`.

    Parameters
    ----------
    model : keras.Model
        The user's own, untouched.
    name : str
        For file names and reports.
    sha256 : str
        Of the file it came from; empty if it came from none.
    pixel_range : str
        A key of `PIXEL_RANGES`.
    activation : str
        What its scores are: ``"softmax"``, ``"sigmoid"`` or ``"logits"``.
    """

    model: keras.Model
    name: str
    sha256: str
    pixel_range: str
    activation: str

    @property
    def pixel_scale(self) -> float:
        """What raw pixels are multiplied by to be in the range that the model was trained on."""
        return PIXEL_RANGES[self.pixel_range]

    @classmethod
    def from_keras(
        cls,
        model: keras.Model,
        probe: LabelledImages,
        *,
        name: str = "model",
        sha256: str = "",
        pixel_range: str | None = None,
    ) -> Original:
        """Look at `model` and find out, by asking it about the images of `probe`, what it was trained on.

        Parameters
        ----------
        model : keras.Model
            From ``(n, 28, 28)``, ``(n, 28, 28, 1)`` or ``(n, 784)`` to ten scores.
        probe : LabelledImages
            A thousand of these, drawn at random, are asked.
        name, sha256 : str
            For the report and the manifest.
        pixel_range : str, optional
            ``"0..1"`` or ``"0..255"``; without it, the one of the two under which clearly more answers are right. Where
            scaling hardly changes the answers, it is 0..1 if the model is sure of them there.

        Raises
        ------
        ModelError
            If the model has another shape, several inputs or outputs, or gives no finite scores.
        UsageError
            If `pixel_range` is not one of the two.
        """
        try:
            inputs, outputs = [tuple(t.shape[1:]) for t in model.inputs], [tuple(t.shape[1:]) for t in model.outputs]
        except (AttributeError, ValueError, TypeError) as error:
            raise ModelError("Expected a built model with known shapes; call it on an image once, save it.") from error
        if len(inputs) != 1 or inputs[0] not in INPUT_SHAPES or outputs != [(10,)]:
            raise ModelError(
                "Expected a digit model with one input of shape (28, 28), (28, 28, 1) or (784,) and one output of "
                f"shape (10,), received inputs {inputs} and outputs {outputs}."
            )
        if pixel_range is not None and pixel_range not in PIXEL_RANGES:
            raise UsageError(f"Expected a pixel range ({', '.join(PIXEL_RANGES)}), received {pixel_range!r}.")
        drafts = [
            cls(model, name, sha256, candidate, "softmax")
            for candidate in ([pixel_range] if pixel_range else PIXEL_RANGES)
        ]
        asked = np.random.default_rng(0).permutation(len(probe.images))[:PROBE]  # sets may be sorted by digit
        images, labels = probe.images[asked], probe.labels[asked]
        answers = [draft.raw_scores(images) for draft in drafts]
        if not any(np.isfinite(scores).all() for scores in answers):
            raise ModelError("Expected a model that gives finite scores, received nan or infinity; train it again.")
        activations = [_activation(scores) for scores in answers]
        best = _likelier([_shares(*answer) for answer in zip(answers, activations, strict=True)], labels)
        return dataclasses.replace(drafts[best], activation=activations[best])

    def raw_scores(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return what the untouched model says, float32 (n, 10), about raw pixels uint8 (n, 28, 28).

        The scaling is done here in NumPy, as the user did it in training: it shares no code with the export.
        """
        pixels = images.astype(np.float32).reshape(-1, *self.model.input_shape[1:])
        scaled = pixels / np.float32(255) if self.pixel_range == "0..1" else pixels
        scores: npt.NDArray[np.float32] = self.model.predict(scaled, batch_size=512, verbose=0)
        return np.asarray(scores, np.float32)

    def scores(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the scores 0..1 that an export must give: `raw_scores`, logits turned into probabilities."""
        raw = self.raw_scores(images)
        return _softmax(raw) if self.activation == "logits" else raw

    def scaled_model(self) -> keras.Model:
        """Return a model from pixels in `pixel_range`, float32 (n, 28, 28, 1), to scores 0..1, for integer export."""
        import keras

        pixels = keras.Input((28, 28, 1), name="pixels")
        return keras.Model(pixels, self._answer(pixels), name="scaled")

    def pixel_model(self) -> keras.Model:
        """Return a model from raw pixels, uint8 (n, 28, 28, 1), to scores 0..1, for float export."""
        import keras

        pixels = keras.Input((28, 28, 1), dtype="uint8", name="pixels")
        scaled = keras.layers.Rescaling(self.pixel_scale, name="scaling", dtype="float32")(pixels)
        return keras.Model(pixels, self._answer(scaled), name="raw")

    def _answer(self, pixels: keras.KerasTensor) -> keras.KerasTensor:
        import keras

        shape = tuple(self.model.input_shape[1:])
        if shape != (28, 28, 1):
            pixels = keras.ops.reshape(pixels, (-1, *shape))
        scores = with_static_shapes(self.model)(pixels, training=False)
        return keras.layers.Softmax(name="probabilities")(scores) if self.activation == "logits" else scores


def _activation(scores: npt.NDArray[np.float32]) -> str:
    """Tell from the scores themselves what they are, since a model may hide its last activation in a layer."""
    if scores.min() < 0 or scores.max() > 1 + 1e-3:
        return "logits"
    return "softmax" if np.allclose(scores.sum(axis=1), 1, atol=1e-3) else "sigmoid"


def _softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    powers: npt.NDArray[np.float32] = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: npt.NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _shares(scores: npt.NDArray[np.float32], activation: str) -> npt.NDArray[np.float32]:
    """Return `scores` as shares that sum to one in each row."""
    shares = _softmax(scores) if activation == "logits" else scores
    return np.asarray(shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-30))


def _likelier(shares: list[npt.NDArray[np.float32]], labels: npt.NDArray[np.uint8]) -> int:
    """Return which of `PIXEL_RANGES`, in their order, a model was trained on that gives these `shares` under each.

    The loss does not tell. Under a range that is too large the answers of most networks stay, and all become sure:
    where nearly all are right the loss is then the smaller one. A network of dense layers that was trained on 0..255 is
    so sure of its few mistakes that under 0..1, where it is sure of nothing, its loss is smaller. That is what tells.
    docs/architecture.md has the measurement.
    """
    if len(shares) == 1:
        return 0
    finite = [bool(np.isfinite(some).all()) for some in shares]
    if not all(finite):
        return finite.index(True)
    small, large = (float(np.mean(some.argmax(axis=1) == labels)) for some in shares)
    if abs(small - large) > CLEARLY_BETTER:
        return int(large > small)
    return int(float(shares[0].max(axis=1).mean()) < SURE)
