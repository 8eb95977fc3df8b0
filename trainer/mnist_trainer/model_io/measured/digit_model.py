"""`DigitModel`: a Keras model for digits or other small images, together with the pixel scaling that it expects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mnist_trainer.data.dataset import LabelledImages
from mnist_trainer.errors import ModelError
from mnist_trainer.keras_support import default_settings
from mnist_trainer.model_io.input_shape import check_model
from mnist_trainer.model_io.measured.measured_model import ACTIVATION_IMAGES, MeasuredModel, activation_of, check_finite
from mnist_trainer.model_io.pixel_probe.channel_order import LEAST_GAIN_OF_OTHER_PIXELS, blue_first, check_channel_order
from mnist_trainer.model_io.pixel_probe.evidence import PLAUSIBLE, log_scores
from mnist_trainer.model_io.pixel_probe.own_numbers import borrowed_numbers, check_one_scaling, with_own_numbers
from mnist_trainer.model_io.pixel_probe.probe import PixelProbe, Trial
from mnist_trainer.recipes.pixel_scaling import PIXEL_CONVENTIONS, PixelScaling

if TYPE_CHECKING:
    import keras

__all__ = ["DigitModel", "compared_scalings", "doubt_of_scaling"]

BATCH = 500
"""Batch size."""


@dataclass(frozen=True, eq=False)
class DigitModel(MeasuredModel):
    """A Keras model, its pixel scaling, its last activation and its task.

    Create one with `DigitModel.measure`.

    Parameters
    ----------
    model : keras.Model
        A model that maps images, such as ``(n, 28, 28)``, ``(n, 28, 28, 1)`` or ``(n, 784)``, to class scores.
    scaling, range_origin, activation, probe, task
        See `MeasuredModel`.
    """

    model: keras.Model

    @classmethod
    def measure(
        cls,
        model: keras.Model,
        data: LabelledImages,
        *,
        given: PixelScaling | str | None = None,
        recorded: str | None = None,
    ) -> DigitModel:
        """Check `model` and measure which pixel scaling it expects, and its activation.

        Without a given or recorded scaling, each of `PIXEL_CONVENTIONS` is tried; see `PixelProbe.measure`.

        Parameters
        ----------
        model : keras.Model
            The model.
        data : LabelledImages
            Real images with labels; see `probe_images`. Their task is the task of the model.
        given : PixelScaling or str, optional
            The scaling that the user gives, also as a text for `PixelScaling.parse`.
        recorded : str, optional
            The pixel range in the training record of the model; used if none is given.

        Raises
        ------
        ModelError
            If the model does not fit the images and classes of `data`, has several inputs or outputs, fails, has
            weights or scores that are not finite, or is far more accurate on color images with blue first.
        UsageError
            If `given` cannot be parsed.

        Examples
        --------
        >>> from mnist_trainer import load_data, load_model
        >>> found = DigitModel.measure(load_model("mlp"), load_data("digits").test)
        >>> found.pixel_range, found.range_origin, found.activation
        ('0..1', 'measured', 'softmax')
        """
        stated, origin = (given, "as given") if given is not None else (recorded, "as recorded")
        scaling = PixelScaling.parse(stated) if isinstance(stated, str) else stated
        model = check_model(model, data.task)
        _check_weights(model)
        probe = None
        if scaling is None:
            logits_of = _logits_function(model)
            conventions = with_own_numbers(data, PIXEL_CONVENTIONS)
            probe = PixelProbe.measure(logits_of, data, conventions, borrowed_numbers(data))
            check_channel_order(logits_of, data, probe, conventions)
            check_one_scaling(logits_of, data, probe)
            scaling, origin = probe.chosen, "measured"
        chosen = np.random.default_rng(0).permutation(len(data.images))[:ACTIVATION_IMAGES]  # may be sorted by class
        scores = _raw_scores(model, data.images[chosen], scaling)
        check_finite(scores)
        return cls(scaling, origin, activation_of(scores), probe, data.task, model)

    def describe(self) -> str:
        """Return the text about the scaling, and a note if the class of the saved model is not in the file."""
        text, name = super().describe(), getattr(self.model, "left_out_class", None)
        if name is None:
            return text
        return (
            f"{text}\nnote: The class {name} of the model is not in the file, so the layers in the file are used. If "
            "the class has its own call method, export it in Keras with model.export('folder') and give that folder."
        )

    def likelier_scaling(self, data: LabelledImages) -> tuple[Trial, Trial] | None:
        """Compare the model's scaling with all others on `data`; return both trials if another one fits far better.

        Parameters
        ----------
        data : LabelledImages
            Real images with labels, of the model's task.

        Returns
        -------
        tuple of Trial or None
            The trial with the model's scaling, and the one with the likelier scaling. None unless the second one is
            more accurate by `LEAST_GAIN_OF_OTHER_PIXELS`, or is as accurate and only the first one gives much higher
            confidences than trained models have.
        """
        others = [scaling for scaling in with_own_numbers(data, PIXEL_CONVENTIONS) if scaling != self.scaling]
        probe = PixelProbe.measure(_logits_function(self.model), data, (self.scaling, *others))
        trials = {trial.scaling: trial for trial in probe.trials}
        own, best = trials[self.scaling], trials[probe.chosen]
        is_better = best.accuracy > own.accuracy + LEAST_GAIN_OF_OTHER_PIXELS
        return (own, best) if is_better or _is_oversure(own, best) else None

    def doubt_of_pixels(self, data: LabelledImages, noun: str) -> str | None:
        """See `MeasuredModel.doubt_of_pixels`."""
        found = None if self.range_origin == "measured" else self.likelier_scaling(data)
        return doubt_of_scaling(*found, noun, self.range_origin) if found else None

    def blue_first(self, data: LabelledImages) -> tuple[Trial, Trial] | None:
        """Compare color images with red first and with blue first; return both trials if blue first is far better.

        Parameters
        ----------
        data : LabelledImages
            Real images with labels, of the model's task.
        """
        logits_of = _logits_function(self.model)
        (own,) = PixelProbe.measure(logits_of, data, (self.scaling,)).trials
        best = blue_first(logits_of, data, own, (self.scaling,))
        return (own, best) if best else None

    @property
    def pixel_line(self) -> str:
        """See `MeasuredModel.pixel_line`."""
        return f"trained on pixels {self.scaling} ({self.range_origin})"

    def raw_scores(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the output of the unchanged model, float32 (n, k), for raw pixels uint8 (n, h, w[, 3]).

        The pixels are scaled with NumPy, as the user did in training. Exported files share no code with this.
        """
        return _raw_scores(self.model, images, self.scaling)

    def scores_of_scaled(self, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the output of the unchanged model, float32 (n, k), for pixels that are scaled already."""
        return _scores_of_scaled(self.model, pixels)


def compared_scalings(own: Trial, other: Trial, noun: str, origin: str) -> str:
    """Return a sentence that compares the accuracy of a model with its own scaling and with another one.

    `noun` is the word for the model. `origin` is the origin of its own scaling; see `MeasuredModel.range_origin`.
    """
    known = "as stated" if origin == "as given" else origin
    if other.accuracy <= own.accuracy + LEAST_GAIN_OF_OTHER_PIXELS:
        return (
            f"With pixels {own.scaling} {known}, the {noun} is more confident than trained models are, and right on "
            f"{own.accuracy:.1%} of {own.images:,} images; with {other.scaling} it is as confident as usual, and right "
            f"on {other.accuracy:.1%} of {other.images:,}."
        )
    return (
        f"The {noun} is right on {own.accuracy:.1%} of {own.images:,} images with pixels {own.scaling} {known}, but "
        f"on {other.accuracy:.1%} of {other.images:,} with {other.scaling}."
    )


def _is_oversure(own: Trial, other: Trial) -> bool:
    """Return whether only the first scaling gives far too high confidences, as pixels 255 times too large do.

    The accuracy does not show this: a network of convolutions and ReLUs stays nearly as accurate. But it cannot be
    trained further.
    """
    return other.accuracy >= own.accuracy and own.temperature > PLAUSIBLE[1] >= other.temperature >= PLAUSIBLE[0]


def doubt_of_scaling(own: Trial, other: Trial, noun: str, origin: str) -> str:
    """Return the sentence of `compared_scalings`, followed by advice."""
    compared = compared_scalings(own, other, noun, origin)
    fitting = f"For these images give {other.scaling.options}."
    if origin != "as given":  # the record is right, so the images must be different, such as black on white
        return f"{compared} {fitting}"
    return (
        f"{compared} Check how its pixels were scaled in training. {fitting} Without --pixel-range, --pixel-mean, "
        "--pixel-std and --invert the scaling is measured."
    )


def _check_weights(model: keras.Model) -> None:
    """Raise a `ModelError` if a weight is NaN.

    A ReLU may hide the NaN in the scores of the Keras model, but not in those of every export format.
    """
    for weight in model.weights:
        values = np.asarray(weight)
        if values.dtype.kind in "fV" and (bad := int(np.isnan(values).sum())):  # V: bfloat16
            raise ModelError(
                f"{bad:,} of the {values.size:,} weights in {weight.path} are not finite numbers, but nan. The "
                "training has failed. Train the model again, with a smaller learning rate."
            )


def _raw_scores(model: keras.Model, images: npt.NDArray[np.uint8], scaling: PixelScaling) -> npt.NDArray[np.float32]:
    return _scores_of_scaled(model, scaling.apply(images))


def _scores_of_scaled(model: keras.Model, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    from mnist_trainer.model_io.measured.bounded_predict import predict

    with default_settings():
        return predict(model, pixels.reshape(-1, *model.input_shape[1:]), 512)


def _logits_function(model: keras.Model) -> Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]:
    """Return the function from scaled pixels (n, h, w[, 3]) to the logits, the inputs of the last softmax or sigmoid.

    Logits are compared because softmax and sigmoid round high scores to 1. If the last layer gives no access to them,
    the logarithm of the scores is used.
    """
    import keras

    from mnist_trainer.model_io.measured.bounded_predict import predict

    history = model.outputs[0]._keras_history
    last = history.operation
    squashes = getattr(last, "activation", None) in (keras.activations.softmax, keras.activations.sigmoid)
    is_plain = type(last) in (keras.layers.Dense, keras.layers.Activation) and not getattr(
        last, "quantization_mode", None
    )
    is_split = type(last) is keras.layers.Softmax or (squashes and is_plain)
    body = model
    if is_split:
        body = keras.Model(model.inputs[0], last._inbound_nodes[history.node_index].input_tensors[0])

    def logits(pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        with default_settings():
            out = predict(body, pixels.reshape(-1, *model.input_shape[1:]), BATCH)
        if type(last) is keras.layers.Dense and is_split:
            out = out @ np.asarray(last.kernel) + (0 if last.bias is None else np.asarray(last.bias))
        elif not is_split:
            out = log_scores(out)
        return np.asarray(out, np.float32)

    return logits
