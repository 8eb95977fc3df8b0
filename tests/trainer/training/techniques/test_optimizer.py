from dataclasses import replace

import pytest

from mnist_trainer import OPTIMIZERS, Recipe
from mnist_trainer.training.techniques.optimizer import build_optimizer


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_optimizer_has_the_settings_of_the_recipe(name: str) -> None:
    recipe = Recipe(3, 32, 0.5, "categorical_crossentropy", optimizer=name, weight_decay=0.1, schedule="constant")
    optimizer = build_optimizer(recipe, steps=4)
    assert type(optimizer).__name__.lower() == name
    assert (float(optimizer.learning_rate), optimizer.weight_decay) == (0.5, 0.1)
    assert not build_optimizer(replace(recipe, weight_decay=0.0), steps=4).weight_decay


def test_a_one_cycle_schedule_rises_for_a_quarter_of_the_steps_and_falls_to_zero() -> None:
    optimizer = build_optimizer(Recipe(3, 32, 0.5, "categorical_crossentropy"), steps=4)
    rates = []
    for step in range(13):
        optimizer.iterations.assign(step)
        rates.append(float(optimizer.learning_rate))
    assert rates[0] == pytest.approx(0.02)
    assert (max(rates), rates.index(max(rates))) == (0.5, 3)
    assert rates[-1] == 0
