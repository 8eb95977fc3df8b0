"""`PixelScaling`: how pixels are scaled for the input of a model, and `PIXEL_CONVENTIONS`, the usual scalings."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mnist_trainer.errors import UsageError

__all__ = ["PIXEL_CONVENTIONS", "PixelScaling"]

NUMBER = r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?"
FORMS = re.compile(rf"(?:({NUMBER})\.\.({NUMBER})|mean ({NUMBER}) std ({NUMBER}))( inverted)?")

LARGEST = 1e6
"""Largest accepted absolute value of a scaled pixel."""


@dataclass(frozen=True)
class PixelScaling:
    """The input of a model as a function of the raw pixel: ``value = pixel * scale + offset``.

    Raw pixels are 0..255, white on black, as in MNIST.

    Parameters
    ----------
    name : str
        Name in reports and records. `parse` reads the names that the constructors below give.
    scale, offset : float
        A negative scale means that the model was trained on black digits on white.

    Raises
    ------
    UsageError
        If a scaled pixel is not finite or above a million, or `scale` is 0.

    Examples
    --------
    >>> PixelScaling.between(-1, 1).apply(np.array([0, 255], np.uint8)).tolist()
    [-1.0, 1.0]
    >>> PixelScaling.parse("0..1 inverted").apply(np.array([0, 255], np.uint8)).tolist()
    [1.0, 0.0]
    """

    name: str
    scale: float
    offset: float = 0.0

    def __post_init__(self) -> None:
        ends = (self.black, self.white)
        if not all(map(math.isfinite, ends)) or max(map(abs, ends)) > LARGEST or ends[0] == ends[1]:
            raise UsageError(
                f"The pixel scaling {self.name!r} turns 0..255 into {ends[0]:g}..{ends[1]:g}. Give a range of two "
                "different numbers, neither above a million."
            )

    @classmethod
    def between(cls, low: float, high: float, *, invert: bool = False) -> PixelScaling:
        """Return the scaling of pixels 0..255 to `low`..`high`.

        Parameters
        ----------
        low, high : float
            Values of black and white. `low` must be below `high`.
        invert : bool
            Whether the model was trained on inverted images, black on white. Black ink then has the value `low`.

        Raises
        ------
        UsageError
            If `low` is not below `high`.
        """
        if not low < high:
            raise UsageError(
                f"The pixel range {_text(low)}..{_text(high)} must begin with the smaller number. For black digits on "
                "white add --invert (in Python: invert=True)."
            )
        scaling = cls(f"{_text(low)}..{_text(high)}", (high - low) / 255, float(low))
        return scaling.turned() if invert else scaling

    @classmethod
    def standardized(cls, mean: float, std: float, *, invert: bool = False) -> PixelScaling:
        """Return the scaling of tutorials, ``(x - mean) / std``.

        Parameters
        ----------
        mean, std : float
            Mean and standard deviation of pixels in 0..1. If one of them is above 1, both are for pixels in 0..255.
        invert : bool
            Whether the model was trained on inverted images, black on white. Mean and deviation are then those of the
                inverted images.

        Raises
        ------
        UsageError
            If `std` is not above 0.

        Examples
        --------
        >>> [f"{value:.4f}" for value in PixelScaling.standardized(0.1307, 0.3081).apply(np.array([0, 255], np.uint8))]
        ['-0.4242', '2.8215']
        """
        if not std > 0:
            raise UsageError(f"The standard deviation of the pixels is {_text(std)}, but must be above 0.")
        unit = 1 if max(mean, std) > 1 else 255
        scaling = cls(f"mean {_text(mean)} std {_text(std)}", 1 / (unit * std), -mean / std)
        return scaling.turned() if invert else scaling

    @classmethod
    def parse(cls, text: str) -> PixelScaling:
        """Return the scaling with the name `text`.

        Parameters
        ----------
        text : str
            ``"A..B"`` or ``"mean M std S"``, see `between` and `standardized`, with ``" inverted"`` after it if the
            model was trained on black digits on white.

        Raises
        ------
        UsageError
            If `text` has another form.
        """
        found = FORMS.fullmatch(text.strip())
        if not found:
            known = ", ".join(scaling.name for scaling in PIXEL_CONVENTIONS[:3])
            raise UsageError(f"The pixel range {text!r} is unknown. Write it as A..B, such as {known}.")
        low, high, mean, std, inverted = found.groups()
        if low is not None:
            return cls.between(float(low), float(high), invert=bool(inverted))
        return cls.standardized(float(mean), float(std), invert=bool(inverted))

    def turned(self) -> PixelScaling:
        """Return the same scaling for images that are inverted first: ``(255 - pixel) * scale + offset``."""
        return replace(self, name=f"{self.name} inverted", scale=-self.scale, offset=self.white)

    @property
    def black(self) -> float:
        """Value of a raw pixel of 0."""
        return self.offset

    @property
    def white(self) -> float:
        """Value of a raw pixel of 255."""
        return 255 * self.scale + self.offset

    @property
    def inverted(self) -> bool:
        """Whether the model was trained on black digits on white."""
        return self.scale < 0

    @property
    def options(self) -> str:
        """The command line options for this scaling.

        Examples
        --------
        >>> PixelScaling.parse("mean 0.5 std 0.25 inverted").options, PixelScaling.between(-1, 1).options
        ('--pixel-mean 0.5 --pixel-std 0.25 --invert', '--pixel-range -1..1')
        """
        words = self.name.split()
        stated = (
            f"--pixel-mean {words[1]} --pixel-std {words[3]}" if words[0] == "mean" else f"--pixel-range {words[0]}"
        )
        return f"{stated} --invert" if self.inverted else stated

    def apply(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return raw pixels, uint8 of any shape, as the model expects them, float32."""
        # Computed in float64 and rounded to float32 once, as in training.
        table = (np.arange(256) * self.scale + self.offset).astype(np.float32)
        scaled: npt.NDArray[np.float32] = table[images]
        return scaled

    def as_dict(self) -> dict[str, str | float]:
        """Return plain values, ready for JSON: name, scale, offset and polarity."""
        polarity = "black on white" if self.inverted else "white on black"
        return {"pixel_range": self.name, "scale": self.scale, "offset": self.offset, "polarity": polarity}

    def __str__(self) -> str:
        return self.name


def _text(number: float) -> str:
    return str(int(number)) if math.isfinite(number) and number == int(number) else repr(float(number))


MEAN, STD = 0.1307, 0.3081
"""Mean and standard deviation of MNIST's training pixels in 0..1, as tutorials have them."""


def _conventions() -> tuple[PixelScaling, ...]:
    between, standardized = PixelScaling.between, PixelScaling.standardized
    upright = [
        between(0, 1),
        between(0, 255),
        between(-1, 1),
        standardized(MEAN, STD),
        between(-0.5, 0.5),
        standardized(33.3184, 1),
    ]
    # For inverted images, tutorials use the mean and deviation of MNIST or those of inverted MNIST.
    turned = [standardized(0.8693, STD, invert=True), standardized(221.6816, 1, invert=True)]
    return (*upright, *(scaling.turned() for scaling in upright), *turned)


PIXEL_CONVENTIONS: tuple[PixelScaling, ...] = _conventions()
"""The fourteen usual pixel scalings, the most usual first: six, the same for inverted images, and two more for these.

``mean 33.3184 std 1`` subtracts the mean of MNIST from pixels 0..255.
"""
