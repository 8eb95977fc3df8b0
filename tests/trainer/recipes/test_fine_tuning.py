from typing import Any

import pytest

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_trainer import AUGMENTATIONS, fine_tuning_recipe


@pytest.mark.parametrize("task", [DIGITS, Task(32, 20)])
def test_a_tuning_without_other_digits_is_longer(task: Task) -> None:
    mixed, alone = (fine_tuning_recipe({}, task, rehearses=rehearses) for rehearses in (True, False))
    assert (mixed.epochs, alone.epochs) == (3, 6)
    if task == DIGITS:
        assert mixed.pen is not None
        assert alone.pen is not None
        assert (mixed.pen.fraction, alone.pen.fraction) == (0.1, 0.3)


def test_digits_are_changed_more_than_other_images() -> None:
    changes = [fine_tuning_recipe({}, task).augmentation for task in (DIGITS, Task(32, 20))]
    assert changes == [AUGMENTATIONS["strong"], AUGMENTATIONS["light"]]


@pytest.mark.parametrize(
    ("before", "corrupted", "without_digit"),
    [
        ({"corruptions": {"fraction": 0.5}}, 0.2, None),
        ({"non_digits": {"fraction": 0.1}}, None, 0.08),
        ({"corruptions": {"fraction": 0.5}, "non_digits": {"fraction": 0.1}}, 0.2, 0.08),
        ({"corruptions": None, "non_digits": None}, None, None),
        ({}, None, None),
        ("a text", None, None),
        (None, None, None),
    ],
    ids=str,
)
def test_a_model_sees_again_what_it_was_trained_on(
    before: Any, corrupted: float | None, without_digit: float | None
) -> None:
    recipe = fine_tuning_recipe({"recipe": before}, DIGITS)
    assert (recipe.corruptions and recipe.corruptions.fraction) == corrupted
    assert (recipe.non_digits and recipe.non_digits.fraction) == without_digit
    other = fine_tuning_recipe({"recipe": before}, Task(32, 20))
    assert (other.corruptions, other.non_digits, other.pen) == (None, None, None)
