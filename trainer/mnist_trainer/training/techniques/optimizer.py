"""`build_optimizer`: the Keras optimizer of a recipe, with its learning rate schedule."""

from __future__ import annotations

import math
import pkgutil

import keras

from mnist_trainer.recipes.choices import OPTIMIZERS
from mnist_trainer.recipes.recipe import Recipe

__all__ = ["build_optimizer"]


def build_optimizer(recipe: Recipe, steps: int) -> keras.Optimizer:
    """Build the optimizer of `recipe` for epochs of `steps` steps."""
    name, settings = OPTIMIZERS[recipe.optimizer]
    rate = recipe.peak_learning_rate if recipe.schedule == "constant" else _one_cycle(recipe, steps)
    if recipe.weight_decay:
        settings = settings | {"weight_decay": recipe.weight_decay}
    return pkgutil.resolve_name(name)(rate, **settings)


def _one_cycle(recipe: Recipe, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    warmup = math.ceil(recipe.epochs * steps * 0.25)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.peak_learning_rate / 25,
        decay_steps=max(1, recipe.epochs * steps - warmup),
        warmup_target=recipe.peak_learning_rate,
        warmup_steps=warmup,
    )
