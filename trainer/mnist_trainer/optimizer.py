"""`build_optimizer`: the optimiser of a recipe, with its learning rate over time."""

from __future__ import annotations

import math
import pkgutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from mnist_trainer.architecture import Recipe

__all__ = ["OPTIMIZERS", "SCHEDULES", "build_optimizer"]

OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "adam": ("keras.optimizers:Adam", {}),
    "adamw": ("keras.optimizers:AdamW", {"weight_decay": 0.0}),
    "nadam": ("keras.optimizers:Nadam", {}),
    "rmsprop": ("keras.optimizers:RMSprop", {}),
    "sgd": ("keras.optimizers:SGD", {"momentum": 0.9, "nesterov": True}),
}
"""Name -> ``"module:attribute"`` of the class, and what it is given unless the recipe says otherwise."""

SCHEDULES = ("one-cycle", "constant")
"""``one-cycle``: from 1/25 of the peak up to it in a quarter of the steps, then down to zero, along cosines.

Source: L. N. Smith, N. Topin, "Super-Convergence", 2018.
"""


def build_optimizer(recipe: Recipe, steps: int) -> keras.Optimizer:
    """Return the optimiser of `recipe`, for epochs of `steps` steps."""
    name, settings = OPTIMIZERS[recipe.optimizer]
    rate = recipe.peak_learning_rate if recipe.schedule == "constant" else _one_cycle(recipe, steps)
    if recipe.weight_decay:
        settings = settings | {"weight_decay": recipe.weight_decay}
    return pkgutil.resolve_name(name)(rate, **settings)


def _one_cycle(recipe: Recipe, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    import keras

    warmup = math.ceil(recipe.epochs * steps * 0.25)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.peak_learning_rate / 25,
        decay_steps=max(1, recipe.epochs * steps - warmup),
        warmup_target=recipe.peak_learning_rate,
        warmup_steps=warmup,
    )
