"""`PRESETS`: named combinations of an architecture and a recipe."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mnist_trainer.architectures.accurate import ACCURATE
from mnist_trainer.recipes.augmentations import AUGMENTATIONS
from mnist_trainer.recipes.recipe import Recipe

__all__ = ["PRESETS", "Preset"]


@dataclass(frozen=True)
class Preset:
    """An architecture, and a recipe to use instead of the architecture's own."""

    summary: str
    architecture: str
    recipe: Recipe
    seconds: float
    """Duration of one training on MNIST with two processor cores, in seconds."""


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
    "accurate-mnist": Preset(
        summary="accurate, trained without the pen; the teacher of cnn and tiny",
        architecture=ACCURATE.name,
        recipe=replace(ACCURATE.recipe, pen=None),
        seconds=900,
    ),
}
"""Name -> preset."""
