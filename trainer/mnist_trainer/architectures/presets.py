"""`PRESETS`: named combinations of an architecture and a recipe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mnist_trainer.architectures.accurate import ACCURATE
from mnist_trainer.architectures.base import Architecture
from mnist_trainer.architectures.cnn import CNN, TINY
from mnist_trainer.recipes.augmentations import (
    AUGMENTATIONS,
    MORE_CORRUPTIONS,
    CorruptionAugmentation,
    PenDigits,
)
from mnist_trainer.recipes.recipe import Recipe

__all__ = ["PRESETS", "Preset"]


@dataclass(frozen=True)
class Preset:
    """The name of an architecture and the recipe that replaces its own."""

    summary: str
    architecture: str
    recipe: Recipe
    seconds: float
    """Time of one training on MNIST with two processor cores."""


def _with_pen(base: Architecture, seconds: float, *, signs: float = 0.0, **changes: Any) -> Preset:
    """Return a preset with the recipe of `base`, pen digits and other changes."""
    return Preset(
        summary=f"{base.name}, trained on digits as many countries write them too",
        architecture=base.name,
        recipe=replace(base.recipe, pen=PenDigits(fraction=0.1, signs=signs), **changes),
        seconds=seconds,
    )


PRESETS: dict[str, Preset] = {
    "fast": Preset(
        summary="shortest training: two epochs, 99.2 % accuracy on MNIST's test images",
        architecture="strided",
        recipe=Recipe(
            epochs=2,
            batch_size=128,
            peak_learning_rate=2e-2,
            weight_decay=1e-2,
            loss="categorical_crossentropy",
            augmentation=AUGMENTATIONS["light"],
            precision="float32",
        ),
        seconds=17,
    ),
    "tiny-world": _with_pen(TINY, 460),
    "cnn-world": _with_pen(
        CNN, 1510, signs=0.04, corruptions=CorruptionAugmentation(fraction=0.37, kinds=MORE_CORRUPTIONS)
    ),
    "accurate-world": _with_pen(ACCURATE, 900),
}
"""Name -> preset."""
