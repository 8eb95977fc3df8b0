"""`Original`: the Keras model to export."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mnist_exporters.inputs.labelled_images import LabelledImages
from mnist_exporters.inputs.original_model import Trial
from mnist_trainer.keras_support import default_settings
from mnist_trainer.model_io.measured.digit_model import DigitModel
from mnist_trainer.recipes.pixel_scaling import PIXEL_CONVENTIONS, PixelScaling

if TYPE_CHECKING:
    import keras

__all__ = ["PIXEL_CONVENTIONS", "Original", "PixelScaling"]

RAW, ONE = PixelScaling.between(0, 255), PixelScaling.between(0, 1)
"""The scalings ``0..255`` (raw pixels) and ``0..1``."""


@dataclass(frozen=True, eq=False)
class Original(DigitModel):
    """A Keras model to export, with its name and pixel scaling. Create one with `Original.from_keras`.

    Parameters
    ----------
    model, scaling, range_origin, activation, probe, task
        See `mnist_trainer.model_io.measured.digit_model.DigitModel`.
    name : str
        Name in file names and reports.
    sha256 : str
        SHA-256 of the model's file; empty if there is none.
    rejects_non_digits : bool or None
        Whether it was also trained on images without a digit, according to its training record; None without a record.
    """

    name: str
    sha256: str
    rejects_non_digits: bool | None
    kind = "keras"

    @classmethod
    def from_keras(
        cls,
        model: keras.Model,
        probe: LabelledImages,
        *,
        name: str = "model",
        sha256: str = "",
        pixel_range: PixelScaling | str | None = None,
        recorded: str | None = None,
        rejects_non_digits: bool | None = None,
    ) -> Original:
        """Check `model`, and determine its pixel scaling and its output activation.

        Parameters
        ----------
        model : keras.Model
            A model with input shape ``(n, h, w)``, ``(n, h, w, channels)`` or ``(n, h * w * channels)``, and one score
            for each label.
        probe : LabelledImages
            Real images, on which the scaling is measured.
        name, sha256 : str
            Name and digest for the report and the manifest.
        pixel_range : PixelScaling or str, optional
            The scaling of pixels in training, or a text that `PixelScaling.parse` reads. Default: `recorded`, else the
            measured scaling.
        recorded : str, optional
            The pixel range in the training record of the model.
        rejects_non_digits : bool, optional
            Whether it was also trained on images without a digit. Default: not known.

        Raises
        ------
        ModelError
            If the model has another shape or several inputs or outputs, raises an error, or gives no finite scores.
        UsageError
            If `pixel_range` cannot be read.
        """
        found = DigitModel.measure(model, probe, given=pixel_range, recorded=recorded)
        measured = (found.scaling, found.range_origin, found.activation, found.probe, found.task)
        return cls(*measured, found.model, name, sha256, rejects_non_digits)

    def count_params(self) -> int:
        """Return the number of parameters of the model."""
        return int(self.model.count_params())

    def accuracy_with_new_averages(self, data: LabelledImages) -> float | None:
        """See `OriginalModel.accuracy_with_new_averages`. The weights of the model are restored afterwards."""
        import keras

        from mnist_trainer.training.techniques.batch_norm_recalibration import recalibrate_batch_norm  # Keras

        if not any(isinstance(layer, keras.layers.BatchNormalization) for layer in self.model._flatten_layers()):
            return None
        weights = self.model.get_weights()
        found: list[float] = []
        try:
            # A layer may raise an error only in training mode. After an error or a timeout, no other scaling is tried.
            with default_settings(), contextlib.suppress(Exception):
                # New averages adapt to another scaling, but not to inverted pixels, which may be measured wrongly, and
                # not to pixels of 0..1 in a model that scales 0..255 itself, whose variances are below its epsilon.
                for scaling in dict.fromkeys((self.scaling, ONE, RAW, PixelScaling.between(0, 1, invert=True))):
                    pixels = scaling.apply(data.images).reshape(-1, *self.model.input_shape[1:])
                    recalibrate_batch_norm(self.model, pixels)
                    answers = dataclasses.replace(self, scaling=scaling).raw_scores(data.images).argmax(axis=1)
                    found.append(float((answers == data.labels).mean()))
                    self.model.set_weights(weights)
        finally:
            self.model.set_weights(weights)
        return max(found, default=None)

    def changing_layer(self, images: npt.NDArray[np.uint8], trial: Trial) -> str:
        """See `OriginalModel.changing_layer`."""
        from mnist_exporters.inputs.keras_graph.changing_layer import changing_layer  # Keras

        return changing_layer(self.model, images, trial)

    @property
    def input_scaling(self) -> PixelScaling:
        """The pixel scaling that the quantized input of an integer file expresses.

        A quantized input stands for ``scale * (integer - zero_point)``. So it can scale the pixels itself if the scale
        is positive and 0 is in the range from black to white. Otherwise the input stands for raw pixels, and a layer
        scales them.
        """
        return self.scaling if self.scaling.black <= 0 <= self.scaling.white else RAW

    @default_settings()
    def scaled_model(self, *, integers: bool = False) -> keras.Model:
        """Return a model from pixels in `input_scaling`, float32 (n, h, w, c), to scores 0..1, for integer export.

        With `integers`, normalizations are computed by operators that have integers; see `with_static_shapes`.
        """
        from mnist_exporters.inputs.keras_graph.static_shapes import graph_model, integer_scaling

        layer = None
        if self.input_scaling != self.scaling:
            layer = integer_scaling(self.scaling.scale, self.scaling.offset)
        softmax = self.activation == "logits"
        return graph_model(self.model, self.task.tensor_shape, softmax=softmax, scaling=layer, integers=integers)

    @default_settings()
    def pixel_model(self) -> keras.Model:
        """Return a model from raw pixels, uint8 (n, h, w, channels), to scores 0..1, for float export."""
        from mnist_exporters.inputs.keras_graph.static_shapes import float_scaling, graph_model

        layer = float_scaling(self.scaling.scale, self.scaling.offset)
        return graph_model(self.model, self.task.tensor_shape, softmax=self.activation == "logits", scaling=layer)
