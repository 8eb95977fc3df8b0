"""The architecture and the recipe that the options of ``mnist-train`` describe."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mnist_trainer.architectures.presets import PRESETS
from mnist_trainer.architectures.registry import ARCHITECTURES
from mnist_trainer.architectures.registry import architecture as find_architecture
from mnist_trainer.errors import UsageError
from mnist_trainer.recipes.augmentations import AUGMENTATIONS, PenDigits

if TYPE_CHECKING:
    from mnist_runtime.artifact.task import Task
    from mnist_trainer.architectures.base import Architecture
    from mnist_trainer.recipes.recipe import Recipe

__all__ = ["changed_recipe", "chosen_recipe"]


def chosen_recipe(
    name: str | None, preset_name: str | None, options: Mapping[str, Any], task: Task
) -> tuple[Architecture, Recipe]:
    """Return the architecture and the recipe that the options describe."""
    if name and preset_name:
        raise UsageError("--architecture and --preset exclude each other. Leave one of them out.")
    preset = PRESETS[preset_name] if preset_name else None
    chosen = find_architecture(preset.architecture if preset else name or "cnn")
    base_recipe = (preset.recipe if preset else chosen.recipe).for_task(task)
    if base_recipe.ema_steps and options.get("patience"):
        others = ", ".join(other for other, one in ARCHITECTURES.items() if not one.recipe.ema_steps)
        raise UsageError(
            f"--patience keeps the weights of one epoch, but the recipe of {preset_name or chosen.name} averages those "
            f"of its last steps. Leave --patience out, or choose another --architecture: {others}."
        )
    return chosen, changed_recipe(base_recipe, options)


def changed_recipe(base_recipe: Recipe, options: Mapping[str, Any]) -> Recipe:
    """Return `base_recipe` with the settings that the options change."""
    changes = {option: value for option, value in options.items() if value is not None}
    if "augmentation" in changes:
        changes["augmentation"] = AUGMENTATIONS[changes["augmentation"]]
    if "pen" in changes:
        changes["pen"] = dataclasses.replace(base_recipe.pen or PenDigits(fraction=0), fraction=changes["pen"])
    optimizer = changes.get("optimizer", base_recipe.optimizer)
    if optimizer != "adamw":
        if "weight_decay" in changes:
            raise UsageError(f"The optimizer {optimizer} has no --weight-decay. Add --optimizer adamw or leave it out.")
        changes["weight_decay"] = 0.0
    return dataclasses.replace(base_recipe, **changes)
