"""`Interface`: type, layout and quantization of the input and output of a model file, for images of a known shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.backends.base import QuantParams
from mnist_trainer.errors import ModelError
from mnist_trainer.recipes.pixel_scaling import PIXEL_CONVENTIONS, PixelScaling

__all__ = ["INTEGERS", "Interface", "Value"]

FLOATS = ("float16", "float32", "float64")
INTEGERS = ("uint8", "int8", "int16")
"""Integer types of an input or output, by their NumPy names."""

MOST_CLIPPED = 0.1
"""Largest fraction of the pixel range that a quantized input may clip. Scalings with a larger one are ruled out."""


@dataclass(frozen=True)
class Value:
    """One input or output of a model.

    Parameters
    ----------
    name : str
        Name in the file.
    dtype : str
        NumPy's name of the type.
    shape : tuple of int
        Its shape. -1 stands for a dimension that is not fixed.
    quantization : QuantParams or None
        Scale and zero point; None for floats, and for integers without them.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    quantization: QuantParams | None = None

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Value:
        """Make a `Value` of the facts that `mnist_trainer.foreign._probe` prints."""
        quantization = None
        if facts["scale"] and facts["dtype"] in INTEGERS:
            quantization = QuantParams(facts["scale"], facts["zero_point"], facts["dtype"])
        return cls(facts["name"], facts["dtype"], tuple(facts["shape"]), quantization)

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} ({', '.join('n' if axis < 0 else str(axis) for axis in self.shape)})"


@dataclass(frozen=True)
class Interface:
    """How to convert images to the input tensor of a model file, and its output tensor to scores.

    Parameters
    ----------
    input, output : Value
        The model's only input and its only output.
    tensor_shape : tuple of int
        Shape of one image in the input.
    image_shape : tuple of int
        Height, width and channels of an image in the data.
    channels_first : bool
        Whether the input has the layout (channels, height, width).
    """

    input: Value
    output: Value
    tensor_shape: tuple[int, ...]
    image_shape: tuple[int, int, int]
    channels_first: bool

    @classmethod
    def of(cls, facts: dict[str, Any], image: tuple[int, ...], *, prefers_channels_first: bool) -> Interface:
        """Make the interface of a model for images of the shape `image`, (h, w) or (h, w, c).

        Parameters
        ----------
        facts : dict
            Inputs and outputs of the model, as `mnist_trainer.foreign._probe` prints them.
        image : tuple of int
            Shape of an image in the data.
        prefers_channels_first : bool
            Layout to use if the file allows both.

        Raises
        ------
        ModelError
            If the model has several inputs or outputs, or its image shape or types are not supported.
        """
        inputs, outputs = [[Value.of(one) for one in facts[key]] for key in ("inputs", "outputs")]
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(
                f"The model has {len(inputs)} inputs ({', '.join(map(str, inputs))}) and {len(outputs)} outputs "
                f"({', '.join(map(str, outputs))}). Keep the one that takes the image and the one with a score for "
                "each class; for ONNX: onnx.utils.extract_model."
            )
        source, target = inputs[0], outputs[0]
        if source.dtype not in (*FLOATS, *INTEGERS) or target.dtype not in (*FLOATS, *INTEGERS):
            raise ModelError(
                f"The model has the input {source} and the output {target}. Supported types are "
                f"{', '.join((*FLOATS, *INTEGERS))}. Convert it again with these."
            )
        height, width, channels = (*image, 1)[:3]
        last, first, flat = (height, width, channels), (channels, height, width), (height * width * channels,)
        forms = [last, first] if channels > 1 else [last, first, (height, width), (1, *flat)]
        fitting = [form for form in (*forms, flat) if _fits(source.shape[1:], form)]
        if not fitting:
            wanted = ", ".join(f"(n, {', '.join(map(str, form))})" for form in dict.fromkeys((*forms[:3], flat)))
            raise ModelError(f"The model takes {source}, but the images need one of {wanted}. Give images of its size.")
        both = first != last and first in fitting and last in fitting
        chosen = first if both and prefers_channels_first else fitting[0]
        return cls(source, target, chosen, last, chosen == first)

    @property
    def takes_one(self) -> bool:
        """Whether the model accepts only one image at a time."""
        return self.input.shape[0] == 1

    def tensor(self, pixels: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        """Convert scaled pixels, float32 (n, h, w) or (n, h, w, c), to the type and layout of the input."""
        if self.channels_first and pixels.ndim == 4:
            pixels = np.moveaxis(pixels, -1, 1)
        shaped = pixels.reshape(len(pixels), *self.tensor_shape)
        if self.input.quantization:
            return self.input.quantization.quantize(shaped)
        if self.input.dtype in INTEGERS:
            limits = np.iinfo(self.input.dtype)
            shaped = np.clip(np.rint(shaped), limits.min, limits.max)
        tensor: npt.NDArray[Any] = shaped.astype(self.input.dtype)
        return tensor

    def scores(self, raw: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Convert an output of the model to scores, float32 (n, k); integers are dequantized."""
        rows = raw.reshape(len(raw), -1)
        if self.output.quantization:
            return self.output.quantization.dequantize(rows)
        return rows.astype(np.float32)

    @property
    def step(self) -> float:
        """Smallest difference between two scores in a quantized output (its scale); 0 for floats."""
        return self.output.quantization.scale if self.output.quantization else 0.0

    def conventions(self) -> tuple[PixelScaling, ...]:
        """Return the pixel scalings that the model may have been trained with, the likeliest first.

        An integer input has a fixed range, from its calibration. Scalings that go far beyond this range are left out.
        The range itself is one more candidate: the raw pixel is then the stored integer.
        """
        if self.input.dtype not in INTEGERS:
            return PIXEL_CONVENTIONS
        quantization = self.input.quantization or QuantParams(1, 0, self.input.dtype)
        limits = np.iinfo(quantization.dtype)
        low, high = (quantization.scale * (end - quantization.zero_point) for end in (limits.min, limits.max))
        fitting = tuple(one for one in PIXEL_CONVENTIONS if _clipped(one, low, high) <= MOST_CLIPPED)
        if quantization.dtype == "int16" or any(_is_range(one, low, high) for one in fitting):
            return fitting or PIXEL_CONVENTIONS
        return (*fitting, PixelScaling.between(round(low, 6), round(high, 6)))


def _fits(shape: tuple[int, ...], form: tuple[int, ...]) -> bool:
    return len(shape) == len(form) and all(axis in (-1, wanted) for axis, wanted in zip(shape, form, strict=True))


def _clipped(scaling: PixelScaling, low: float, high: float) -> float:
    """Return the fraction of the range of scaled pixels that is outside of `low`..`high`."""
    bottom, top = sorted((scaling.black, scaling.white))
    return (max(low - bottom, 0) + max(top - high, 0)) / (top - bottom)


def _is_range(scaling: PixelScaling, low: float, high: float) -> bool:
    """Return whether the range of scaled pixels is `low`..`high`, up to two of the 255 pixel steps."""
    levels = abs(scaling.white - scaling.black) / 255 * 2
    bottom, top = sorted((scaling.black, scaling.white))
    return abs(bottom - low) <= levels and abs(top - high) <= levels
