"""What `mnist-train` prints about a trained model."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_exporters.proof.statistics import drop_upper_95
from mnist_runtime.artifact.task import DIGITS
from mnist_trainer import ModelFile, Splits
from mnist_trainer.cli.training_plan import next_step, summary, tuning_plan
from mnist_trainer.recipes.fine_tuning import fine_tuning_recipe

RECORD: dict[str, Any] = {
    "parameters": 5_790,
    "validation_images": 200,
    "validation_accuracy": 1.0,
    "test_images": 300,
    "test_accuracy": 0.99,
    "epochs_done": 3,
    "best_epoch": None,
    "history": {"val_accuracy": [0.5, 0.9, 0.76]},
    "recipe": {"ema_steps": None},
}


def test_another_accuracy_than_that_of_the_epoch_is_explained() -> None:
    line, note = summary(RECORD).splitlines()
    assert "100.00% of 200 validation images" in line
    assert note.startswith("note: epoch 3 showed 76.00% of these validation images")
    assert "batch normalization" in note
    assert "averaged" not in note
    assert "averaged" in summary(RECORD | {"recipe": {"ema_steps": 100}})
    assert "epoch 2 showed 90.00%" in summary(RECORD | {"best_epoch": 2})


@pytest.mark.parametrize(("epochs", "words"), [(1, "1 epoch"), (2, "2 epochs")])
def test_one_epoch_of_tuning_is_singular(digits: Splits, epochs: int, words: str) -> None:
    recipe = replace(fine_tuning_recipe({}, DIGITS), epochs=epochs)
    plan = tuning_plan(ModelFile(Path("own.keras"), "own", {}), recipe, digits, None, Path("tuned.keras"))
    assert f"  recipe  {words}, {recipe.batch_size} images a step" in plan


@pytest.mark.parametrize("shown", [[], [1.0], [0.9995]])
def test_the_same_accuracy_needs_no_note(shown: list[float]) -> None:
    assert len(summary(RECORD | {"history": {"val_accuracy": shown}}).splitlines()) == 1


def test_a_tuning_that_makes_the_model_far_worse_gets_a_warning() -> None:
    rows = {"own": {"name": "own", "images": 200, "before": 0.94, "after": 0.9}}
    assert len(summary({"tuning": rows}).splitlines()) == 1
    rows["own"]["after"] = 0.64
    line, warning = summary({"tuning": rows}).splitlines()
    assert line.endswith("94.00% before, 64.00% after")
    assert warning.startswith("warning: The tuned model is far worse")
    assert "--pixel-range" in warning


@pytest.mark.parametrize(("images", "proves"), [(26, False), (552, False), (553, True)])
def test_too_few_test_images_for_a_proof_are_told_with_the_number_that_is_enough(
    digits: Splits, images: int, proves: bool
) -> None:
    assert (drop_upper_95(0, 0, images) <= 0.005) is proves, "the default tolerance of int8"
    assert drop_upper_95(0, 0, 25) > 0.1 >= drop_upper_95(0, 0, 26), "the largest accepted loss"
    some = digits.test.take(np.arange(images), "test")
    own = replace(some, task=replace(DIGITS, preparation="plain"))
    said = next_step(Path("own.keras"), "own", Splits(own, own), trust=False)
    command = "xport it with: mnist-export own.keras --format tflite --quantize"
    assert said.endswith(f"{command} --data own")
    assert said.startswith("note:") is not proves
    if not proves:
        assert f"{images} test images cannot prove an export, even if it loses no answer. About 600 are needed" in said
        assert "a fifth of 3,000 pictures" in said
        assert "26 can prove --max-accuracy-drop 0.1" in said
    assert next_step(Path("own.keras"), "own", Splits(some, some), trust=False) == f"e{command}", "proven on MNIST"
