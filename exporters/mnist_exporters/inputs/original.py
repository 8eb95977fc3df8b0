"""`Original`: the Keras model to export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_exporters.inputs.labelled_images import LabelledImages
from mnist_trainer.keras_support import default_settings
from mnist_trainer.model_io.digit_model import DigitModel

if TYPE_CHECKING:
    import keras

__all__ = ["Original"]


@dataclass(frozen=True, eq=False)
class Original(DigitModel):
    """A Keras digit model, its pixel range and its name. Create one with `Original.from_keras`.

    Parameters
    ----------
    model, pixel_range, range_origin, activation
        See `mnist_trainer.model_io.digit_model.DigitModel`.
    name : str
        Name in file names and reports.
    sha256 : str
        SHA-256 of the model's file; empty if there is none.
    rejects_non_digits : bool or None
        Whether it was trained on pictures without a digit too, according to its training record; None without a record.
    """

    name: str
    sha256: str
    rejects_non_digits: bool | None

    @classmethod
    def from_keras(
        cls,
        model: keras.Model,
        probe: LabelledImages,
        *,
        name: str = "model",
        sha256: str = "",
        pixel_range: str | None = None,
        recorded: str | None = None,
        rejects_non_digits: bool | None = None,
    ) -> Original:
        """Check `model` and measure its pixel range and its activation.

        Parameters
        ----------
        model : keras.Model
            A model from ``(n, 28, 28)``, ``(n, 28, 28, 1)`` or ``(n, 784)`` to ten scores.
        probe : LabelledImages
            Real images, on which the pixel range is measured.
        name, sha256 : str
            Name and digest for the report and the manifest.
        pixel_range : str, optional
            ``"0..1"`` or ``"0..255"``. Default: `recorded`, or measured.
        recorded : str, optional
            The pixel range in the training record of the model.
        rejects_non_digits : bool, optional
            Whether it was trained on pictures without a digit too. Default: not known.

        Raises
        ------
        ModelError
            If the model has another shape or several inputs or outputs, fails, or gives no finite scores.
        UsageError
            If `pixel_range` is not one of the two.
        """
        found = DigitModel.measure(model, probe, given=pixel_range, recorded=recorded)
        return cls(
            found.model, found.pixel_range, found.range_origin, found.activation, name, sha256, rejects_non_digits
        )

    @default_settings()
    def scaled_model(self) -> keras.Model:
        """Return a model from pixels in `pixel_range`, float32 (n, 28, 28, 1), to scores 0..1, for integer export."""
        from mnist_exporters.inputs.static_shapes import graph_model

        return graph_model(self.model, softmax=self.activation == "logits")

    @default_settings()
    def pixel_model(self) -> keras.Model:
        """Return a model from raw pixels, uint8 (n, 28, 28, 1), to scores 0..1, for float export."""
        from mnist_exporters.inputs.static_shapes import graph_model

        return graph_model(self.model, softmax=self.activation == "logits", scale=self.pixel_scale)
