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


@pytest.mark.parametrize(("epochs", "steps", "peak"), [(3, 4, 3), (3, 6, 5)])
def test_a_one_cycle_schedule_rises_for_a_quarter_of_the_steps_and_falls_to_zero(
    epochs: int, steps: int, peak: int
) -> None:
    optimizer = build_optimizer(Recipe(epochs, 32, 0.5, "categorical_crossentropy"), steps=steps)
    rates = []
    for step in range(epochs * steps + 1):
        optimizer.iterations.assign(step)
        rates.append(float(optimizer.learning_rate))
    assert rates[0] == pytest.approx(0.02)
    assert (max(rates), rates.index(max(rates))) == (0.5, peak)
    assert rates[-1] == 0


def test_a_training_may_have_a_single_step() -> None:
    optimizer = build_optimizer(Recipe(1, 32, 0.5, "categorical_crossentropy"), steps=1)
    assert float(optimizer.learning_rate) == pytest.approx(0.02)
