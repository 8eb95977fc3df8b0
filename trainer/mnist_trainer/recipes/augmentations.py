"""Settings of the random changes of training images. The package `mnist_trainer.augmentation` applies them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "AUGMENTATIONS",
    "LIGHT",
    "MORE_CORRUPTIONS",
    "Augmentation",
    "CorruptionAugmentation",
    "NonDigits",
    "PenDigits",
]


@dataclass(frozen=True)
class Augmentation:
    """Limits of a random affine map of each image. Each amount is uniform between minus and plus its limit.

    Parameters
    ----------
    rotation, shear : float
        Degrees.
    scale : float
        Relative change of the width and, independently, of the height.
    shift : float
        Pixels, horizontally and, independently, vertically.
    """

    rotation: float
    scale: float
    shear: float
    shift: float


LIGHT = Augmentation(rotation=6.0, scale=0.06, shear=6.0, shift=1.0)

AUGMENTATIONS: dict[str, Augmentation | None] = {
    "none": None,
    "light": LIGHT,
    "strong": Augmentation(rotation=10.0, scale=0.10, shear=8.0, shift=1.5),
}
"""Name -> augmentation. For example, `mlp` is trained with ``light`` and `cnn` with ``strong``."""


SEVENTEEN_CORRUPTIONS = (
    *("levels", "overexposed", "inverted", "partly inverted", "foggy", "blurred", "smeared", "noisy", "peppered"),
    *("frosted", "crossed out", "barred", "splashed", "edged", "stroked", "warped", "distant"),
)
MORE_CORRUPTIONS = (*SEVENTEEN_CORRUPTIONS, "smeared far", "zigzag", *4 * ("banded",))
"""`SEVENTEEN_CORRUPTIONS`, longer motion blur, zigzags, and bands, which are four times as frequent as the others."""


@dataclass(frozen=True)
class CorruptionAugmentation:
    """Corrupt a part of each batch, the same number of images with each kind of corruption.

    Parameters
    ----------
    fraction : float
        Fraction of each batch that is corrupted, 0..1.
    kinds : tuple of str
        Keys of `mnist_trainer.augmentation.corruptions.CORRUPTIONS`. One that is listed twice is drawn twice as often.
    """

    fraction: float
    kinds: tuple[str, ...] = SEVENTEEN_CORRUPTIONS


@dataclass(frozen=True)
class NonDigits:
    """Replace a part of each batch by images without a digit. Their target is the same for all classes.

    Parameters
    ----------
    fraction : float
        Fraction of each batch that is replaced, 0..1.
    """

    fraction: float


@dataclass(frozen=True)
class PenDigits:
    """Replace a part of each batch by digits of a simulated pen, written as in many countries.

    Parameters
    ----------
    fraction : float
        Fraction of each batch that becomes pen digits, 0..1. Some are printed or show seven segments.
    confidence : float
        Target probability of the drawn digit; the other digits share the rest. A teacher does not change the targets of
        these images.
    signs : float
        Fraction of each batch that becomes letters and signs, 0..1. Their target is the same for all classes.
    """

    fraction: float
    confidence: float = 0.92
    signs: float = 0.0
