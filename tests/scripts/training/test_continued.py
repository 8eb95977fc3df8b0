"""A continued training begins with the scores that the ready model had in its training."""

from __future__ import annotations

import argparse

import numpy as np
import pytest

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_tools.training.continued import changed_recipe, ready_model
from mnist_trainer import architecture, load_data, load_model

CHANGES = argparse.Namespace(
    epochs=6, rate=0.003, pen=0.2, confidence=0.9, corrupted=0.5, bands=2, teacher="mlp", temperature=2.0, views=1
)


@pytest.mark.long
def test_the_factor_of_the_calibration_is_taken_out() -> None:
    images = load_data("digits").test.images[:50, ..., None] / np.float32(255)
    begun, ready = ready_model("tiny", DIGITS).predict(images, verbose=0), load_model("tiny").predict(images, verbose=0)
    assert (begun.argmax(axis=1) == ready.argmax(axis=1)).all()
    assert begun.max(axis=1).mean() < ready.max(axis=1).mean()


def test_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match="takes"):
        ready_model("tiny", Task(32, 20, 3))


def test_a_recipe_is_shortened_and_changed() -> None:
    recipe = changed_recipe(architecture("cnn").recipe, CHANGES)
    assert (recipe.epochs, recipe.cached_epochs, recipe.final_epochs) == (6, 6, 4)
    assert recipe.corruptions
    assert recipe.corruptions.fraction == 0.5
    assert recipe.corruptions.kinds.count("banded") == 2
    assert recipe.pen
    assert (recipe.pen.fraction, recipe.pen.confidence) == (0.2, 0.9)
    assert recipe.distillation
    assert (recipe.distillation.teacher, recipe.distillation.views) == ("mlp", 1)
    assert changed_recipe(architecture("mlp").recipe, CHANGES).corruptions is None
