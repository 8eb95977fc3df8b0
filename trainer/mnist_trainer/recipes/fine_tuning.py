"""`fine_tuning_recipe`: the recipe for tuning a trained model to new images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_trainer.recipes.augmentations import AUGMENTATIONS, CorruptionAugmentation, NonDigits, PenDigits
from mnist_trainer.recipes.recipe import Recipe

__all__ = ["fine_tuning_recipe"]

FINE_TUNING = Recipe(
    epochs=3,
    batch_size=128,
    peak_learning_rate=2e-3,
    weight_decay=1e-2,
    loss="categorical_crossentropy",
    augmentation=AUGMENTATIONS["light"],
    ema_steps=100,
    precision="float32",
    validation_split=0.1,
)
"""Recipe for tuning. An epoch has about 12,000 images, a quarter of them the user's; or only 8,000 of the user's."""


def fine_tuning_recipe(record: Mapping[str, Any], task: Task, *, rehearses: bool = True) -> Recipe:
    """Return the recipe for images of `task` and a model with this record of its training.

    Parameters
    ----------
    record : dict
        The training record that ``mnist-train`` wrote; empty for another model.
    task : Task
        Images and classes. Digits as in MNIST are mixed with pen digits. If the model was trained on corrupted images
        and non-digits, the recipe contains some of them, so that the model does not forget them.
    rehearses : bool
        Whether images like those of the first training are mixed in. If not, the training is longer and has more pen
        digits.

    Examples
    --------
    >>> fine_tuning_recipe({}, Task(32, 20)).pen is None, fine_tuning_recipe({}, DIGITS).pen.fraction
    (True, 0.1)
    """
    shared = FINE_TUNING if rehearses else replace(FINE_TUNING, epochs=6, peak_learning_rate=3e-3)
    if task != DIGITS:
        return shared
    pen = PenDigits(fraction=0.1 if rehearses else 0.3)
    recipe = replace(shared, augmentation=AUGMENTATIONS["strong"], pen=pen)
    before = record.get("recipe")
    if not isinstance(before, dict):
        return recipe
    if before.get("corruptions"):
        recipe = replace(recipe, corruptions=CorruptionAugmentation(fraction=0.2))
    if before.get("non_digits"):
        recipe = replace(recipe, non_digits=NonDigits(fraction=0.08))
    return recipe
