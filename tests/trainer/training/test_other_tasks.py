"""Training on images and classes that are not those of MNIST."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_trainer import (
    CorruptionAugmentation,
    Dataset,
    NonDigits,
    PenDigits,
    Splits,
    UsageError,
    architecture,
    evaluate,
    load_model,
    train,
)
from mnist_trainer.augmentation.affine import random_affine
from mnist_trainer.data.records import recorded_task
from mnist_trainer.training.batches import Batches

SLOWER = [
    pytest.param(*pair, marks=pytest.mark.slow) for pair in (("mlp", 12), ("strided", 12), ("lenet", 12), ("cnn", 16))
]


@pytest.mark.long
@pytest.mark.parametrize(("name", "epochs"), [("linear", 20), *SLOWER])
def test_color_images_are_learned_and_the_model_knows_its_classes(
    fruits: Splits, tmp_path: Path, name: str, epochs: int
) -> None:
    chosen = architecture(name)
    recipe = replace(chosen.recipe.for_task(fruits.train.task), epochs=epochs, batch_size=16)
    training = train(chosen, fruits, recipe=recipe)
    assert training.record["test_accuracy"] > 0.9
    training.save(tmp_path / "fruits.keras")
    assert recorded_task(tmp_path / "fruits.keras") == fruits.train.task
    loaded = load_model(tmp_path / "fruits.keras")
    assert evaluate(loaded, fruits.test, "0..1").accuracy == training.record["test_accuracy"]


@pytest.mark.long
def test_the_record_of_a_digit_model_has_no_task(digits: Splits, tmp_path: Path) -> None:
    linear = architecture("linear")
    training = train(linear, digits, recipe=replace(linear.recipe, epochs=1))
    assert "task" not in training.record
    training.save(tmp_path / "mine.keras")
    assert recorded_task(tmp_path / "mine.keras") == DIGITS
    assert recorded_task(tmp_path / "other.keras") is None


def test_a_damaged_record_states_nothing(tmp_path: Path) -> None:
    facts = '{"architecture": "cnn", "pixel_range": "0..1", "task": %s}'
    good = '{"height": 9, "width": 8, "channels": 1, "labels": ["a", "b"], "preparation": "plain"}'
    for content, expected in (
        (facts % good, Task(9, 8, 1, ("a", "b"))),
        (facts % good.replace("9", "9.0"), None),
        (facts % good.replace("9", "900"), None),
        (facts % good.replace("plain", "other"), None),
        (facts % good.replace('"b"', '"a"'), None),
        (facts % "[]", None),
        (good, None),
        ('{"architecture": "cnn"}', None),
        ('{"pixel_range": "0..1"}', None),
        ('{"architecture": "cnn", "pixel_range": "0..1"}', DIGITS),
    ):
        (tmp_path / "mine.json").write_text(content)
        assert recorded_task(tmp_path / "mine.keras") == expected


def test_a_recipe_for_digits_is_fitted_to_other_images() -> None:
    recipe = replace(architecture("cnn").recipe, pen=PenDigits(0.1))
    assert recipe.for_task(DIGITS) is recipe
    color, letters = recipe.for_task(Task(32, 20, 3)), recipe.for_task(Task(28, 28, 1, ("a", "b"), "mnist"))
    for fitted in (color, letters):
        assert (fitted.distillation, fitted.non_digits, fitted.cached_epochs, fitted.final_epochs) == (None,) * 4
        assert fitted.pen is None
        assert (fitted.epochs, fitted.augmentation) == (recipe.epochs, recipe.augmentation)
    assert color.corruptions is None
    assert letters.corruptions == recipe.corruptions


@pytest.mark.parametrize(
    "made", [{"corruptions": CorruptionAugmentation(0.3)}, {"non_digits": NonDigits(0.3)}], ids=str
)
def test_images_made_from_digits_are_rejected_for_color_images(fruits: Splits, made: dict[str, Any]) -> None:
    linear = architecture("linear")
    recipe = replace(linear.recipe, loss="categorical_crossentropy", **made)
    with pytest.raises(UsageError, match=r"gray images of 28x28 pixels\. Leave them out, or use recipe\.for_task"):
        train(linear, fruits, recipe=recipe)


def test_plain_pictures_are_changed_without_black_borders(fruits: Splits) -> None:
    recipe = architecture("strided").recipe
    batches = Batches(fruits.train, recipe, (20, 14, 3), seed=0)
    images, targets = next(batches.epoch(0).as_numpy_iterator())
    assert (images.shape[1:], targets.shape[1]) == ((20, 14, 3), 3)
    assert images[:, [0, -1]].min() > 0.2, "the background is gray"
    means = images.mean(axis=(1, 2, 3))
    assert np.ptp(means) > 0.15, "brightness changes"


def test_an_affine_map_turns_about_the_middle_of_any_image() -> None:
    image = np.zeros((1, 9, 15, 1), np.float32)
    image[0, 4, 7] = 1
    for seed in range(5):
        turned = np.asarray(random_affine(image, [seed, 0], rotation=30, scale=0.0, shear=0, shift=0))
        assert turned[0, 4, 7, 0] == pytest.approx(1, abs=1e-4)


@pytest.mark.long
@pytest.mark.parametrize("loss", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
def test_more_classes_than_a_byte_can_number(loss: str) -> None:
    task = Task(8, 8, 1, tuple(map(str, range(300))))
    images = np.random.default_rng(0).integers(0, 256, (900, 8, 8), np.uint8)
    data = Dataset("own", "all", "here", images, np.arange(900, dtype=np.uint16) % 300, task)
    linear = architecture("linear")
    recipe = replace(linear.recipe.for_task(task), epochs=1, batch_size=50, loss=loss)
    training = train(linear, Splits(data, data), recipe=recipe)
    assert training.model.output_shape == (None, 300)
