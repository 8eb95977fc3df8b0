import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_trainer import ARCHITECTURES, Architecture, Distillation, Splits, Training, architecture, find_model, train
from mnist_trainer.training.checkpoint import Checkpoint

Train = Callable[[str], Training]


@pytest.fixture(scope="module")
def trained(digits: Splits) -> Train:
    """Train an architecture for three epochs with seed 0; each is trained once."""
    return cache(lambda name: train_briefly(name, digits))


def train_briefly(name: str, data: Splits, seed: int = 0) -> Training:
    """Train for three epochs. A recipe with cached epochs uses the same images in all three, which saves time."""
    chosen = architecture(name)
    cached_epochs = chosen.recipe.cached_epochs and 1
    return train(chosen, data, recipe=replace(chosen.recipe, epochs=3, cached_epochs=cached_epochs), seed=seed)


QUICK = ("linear", "dense-100")
"""Networks that learn fast; the others are slow."""


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in ARCHITECTURES],
)
def test_each_architecture_learns(digits: Splits, trained: Train, name: str) -> None:
    model, record = trained(name).model, trained(name).record
    assert (record["architecture"], record["parameters"]) == (name, model.count_params())
    assert record["train_images"] + record["validation_images"] == len(digits.train)
    assert record["history"]["loss"][-1] < record["history"]["loss"][0]
    json.dumps(record)


# All kinds of layers, losses and random choices.
@pytest.mark.long
@pytest.mark.parametrize("name", [pytest.param("strided", marks=pytest.mark.slow), "dense-100"])
def test_the_same_seed_gives_the_same_model(digits: Splits, trained: Train, name: str) -> None:
    first, again = trained(name), train_briefly(name, digits)
    assert all(map(np.array_equal, first.model.get_weights(), again.model.get_weights()))
    assert {**first.record, "seconds": 0} == {**again.record, "seconds": 0}


@pytest.mark.long
def test_another_seed_gives_another_model(digits: Splits, trained: Train) -> None:
    other = train_briefly("linear", digits, seed=1)
    assert not np.array_equal(trained("linear").model.get_weights()[0], other.model.get_weights()[0])


@pytest.mark.long
def test_a_student_learns_from_its_teacher_and_is_calibrated(trained: Train, digits: Splits) -> None:
    linear = architecture("linear")
    recipe = replace(
        linear.recipe,
        loss="categorical_crossentropy",
        epochs=4,
        cached_epochs=2,
        distillation=Distillation("cnn", 0.9, 4.0),
    )
    record = train(linear, digits, recipe=recipe).record
    assert record["history"]["loss"][-1] < record["history"]["loss"][0]
    assert record["logit_scale"] > 1
    assert record["teacher_sha256"] == find_model("cnn").sha256
    assert (trained("linear").record["logit_scale"], trained("linear").record["teacher_sha256"]) == (None, None)


@pytest.mark.long
@pytest.mark.parametrize(("fraction", "held_out"), [(0.2, 59), (0.01, 10)])
def test_the_recipe_sets_the_number_of_validation_images(digits: Splits, fraction: float, held_out: int) -> None:
    recipe = replace(architecture("linear").recipe, epochs=1, validation_split=fraction)
    record = train(architecture("linear"), digits, recipe=recipe).record
    assert (record["train_images"], record["validation_images"]) == (297 - held_out, held_out)


@pytest.mark.long
def test_few_images_of_few_digits_train(digits: Splits) -> None:
    few = np.concatenate([np.flatnonzero(digits.train.labels == digit)[:2] for digit in (3, 8, 9)])
    recipe = replace(architecture("linear").recipe, epochs=1)
    record = train(architecture("linear"), digits._replace(train=digits.train.take(few, "train")), recipe=recipe).record
    assert (record["train_images"], record["validation_images"]) == (3, 3)


def build_with_all_state(task: Task = DIGITS) -> keras.Model:
    """Build a network with all state that epochs pass on: running statistics and the random generator of dropout."""
    stack = [keras.Input(task.image_shape), layers.Flatten(), layers.Dense(16), layers.BatchNormalization()]
    return keras.Sequential([*stack, layers.Dropout(0.3), layers.Dense(10, activation="softmax")], name="state")


@pytest.mark.long
@pytest.mark.parametrize(
    "changes",
    [{"patience": 4}, pytest.param({"precision": "mixed_bfloat16", "ema_steps": 8}, marks=pytest.mark.slow)],
    ids=["plain", "fused and averaged"],
)
def test_a_killed_training_resumes_with_the_same_result(
    digits: Splits, tmp_path: Path, changes: dict[str, object]
) -> None:
    """It is killed after epoch 3 of 4, before the checkpoint of that epoch."""
    recipe = replace(architecture("mlp").recipe, epochs=4, batch_size=64, **changes)
    network = Architecture("state", "", build_with_all_state, recipe)
    whole, path = train(network, digits, seed=2), tmp_path / "run.checkpoint"

    def kill(number: int, figures: dict[str, float]) -> None:
        if number == 2:
            raise SystemExit(137)

    with pytest.raises(SystemExit):
        train(network, digits, seed=2, checkpoint=path, callback=kill)
    resumed = train(network, digits, seed=2, checkpoint=path, resume=True)
    assert resumed.record["resumed_after"] == 2
    assert all(map(np.array_equal, resumed.model.get_weights(), whole.model.get_weights()))
    assert resumed.record["history"] == whole.record["history"]
    is_averaged = not np.array_equal(Checkpoint.load(path).model[0], resumed.model.get_weights()[0])
    assert is_averaged == ("ema_steps" in changes)
