"""`Original`: the Keras model that is exported, with its pixel range and its activation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_exporters.inputs.labelled_images import LabelledImages
from mnist_exporters.inputs.static_shapes import with_static_shapes
from mnist_trainer.model_io.digit_model import PIXEL_RANGES, DigitModel

if TYPE_CHECKING:
    import keras

__all__ = ["PIXEL_RANGES", "Original"]


@dataclass(frozen=True, eq=False)
class Original(DigitModel):
    """A Keras digit model to export. Create one with `Original.from_keras`.

    Parameters
    ----------
    name : str
        Name for files and reports.
    sha256 : str
        Digest of the model file; empty if there is none.
    """

    name: str
    sha256: str

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
    ) -> Original:
        """Check `model` and measure its pixel range and its activation on images of `probe`.

        Parameters
        ----------
        model : keras.Model
            From ``(n, 28, 28)``, ``(n, 28, 28, 1)`` or ``(n, 784)`` to ten scores.
        probe : LabelledImages
            Real images; up to 1,000 of them are classified.
        name, sha256 : str
            For the report and the manifest.
        pixel_range : str, optional
            ``"0..1"`` or ``"0..255"``; measured if neither it nor `recorded` is given.
        recorded : str, optional
            The pixel range in the training record of the model.

        Raises
        ------
        ModelError
            If the model has another shape or several inputs or outputs, fails, or gives no finite scores.
        UsageError
            If `pixel_range` is not one of the two.
        """
        found = DigitModel.measure(model, probe, given=pixel_range, recorded=recorded)
        return cls(found.model, found.pixel_range, found.range_origin, found.activation, name, sha256)

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
