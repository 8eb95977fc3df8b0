from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mnist_trainer import (
    ARCHITECTURES,
    OPTIMIZERS,
    READY_MODELS,
    Architecture,
    Recipe,
    Splits,
    Training,
    UsageError,
    architecture,
    find_model,
    load_model,
    train,
)
from mnist_trainer.model_io.complexity import macs
from mnist_trainer.recipes.choices import PRECISIONS
from mnist_trainer.training.monitoring.progress import Progress
from mnist_trainer.training.techniques.optimizer import build_optimizer

if TYPE_CHECKING:
    import keras


def train_briefly(name: str, data: Splits, epochs: int, seed: int = 0) -> Training:
    chosen = architecture(name)
    return train(chosen, data, recipe=replace(chosen.recipe, epochs=epochs), seed=seed)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_trains_and_learns(digits: Splits, name: str) -> None:
    training = train_briefly(name, digits, epochs=3)
    record = training.record
    assert (record["architecture"], record["parameters"]) == (name, training.model.count_params())
    assert training.model.name == name
    assert record["train_images"] + record["validation_images"] == len(digits.train)
    losses = record["history"]["loss"]
    assert losses[-1] < losses[0]
    json.dumps(record)


@pytest.mark.parametrize("name", ["strided", "dense-100"])  # every kind of layer, of loss, of random choice
def test_one_seed_gives_one_model(digits: Splits, name: str) -> None:
    first, again = (train_briefly(name, digits, epochs=1, seed=1) for _ in range(2))
    assert all(map(np.array_equal, first.model.get_weights(), again.model.get_weights()))
    timeless = [{k: v for k, v in training.record.items() if k != "seconds"} for training in (first, again)]
    assert timeless[0] == timeless[1]


def with_every_state() -> keras.Model:
    """A network with all that a run carries from epoch to epoch: moving averages, and the dice of a dropout."""
    import keras
    from keras import layers

    stack = [keras.Input((28, 28)), layers.Flatten(), layers.Dense(16), layers.BatchNormalization()]
    return keras.Sequential([*stack, layers.Dropout(0.3), layers.Dense(10, activation="softmax")], name="every")


@pytest.mark.parametrize("precision", [None, *PRECISIONS])
def test_a_killed_run_goes_on_as_if_it_had_not_been(
    digits: Splits, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, precision: str | None
) -> None:
    """Killed in epoch 3 of 4, of which the checkpoint knows two."""
    recipe = replace(architecture("mlp").recipe, epochs=4, patience=4, batch_size=64, precision=precision)
    every = Architecture("every", "", with_every_state, recipe)
    whole = train(every, digits, seed=2)
    told, path = Progress.epoch, tmp_path / "run.checkpoint"

    def killed(self: Progress, number: int, figures: dict[str, float]) -> None:
        told(self, number, figures)
        if number == 2:
            raise SystemExit(137)

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "epoch", killed)
        with pytest.raises(SystemExit):
            train(every, digits, seed=2, checkpoint=path)
    resumed = train(every, digits, seed=2, checkpoint=path, resume=True)
    assert resumed.record["resumed_after"] == 2
    assert all(map(np.array_equal, resumed.model.get_weights(), whole.model.get_weights()))
    assert resumed.record["history"] == whole.record["history"]


def test_a_recipe_that_cannot_be_is_refused() -> None:
    for wrong in (
        {"epochs": 0},
        {"patience": 0},
        {"peak_learning_rate": 0.0},
        {"optimizer": "newton"},
        {"schedule": "x"},
        {"precision": "float8"},
        {"validation_split": 0.0},
        {"validation_split": 1.0},
    ):
        with pytest.raises(UsageError, match=r"must be|Choose one of"):
            replace(architecture("cnn").recipe, **wrong)


@pytest.mark.parametrize(("share", "held_out"), [(1 / 12, 25), (0.2, 59), (0.01, 10)])
def test_the_recipe_says_how_many_images_validate(digits: Splits, share: float, held_out: int) -> None:
    recipe = replace(architecture("linear").recipe, epochs=1, validation_split=share)
    record = train(architecture("linear"), digits, recipe=recipe).record
    assert (record["train_images"], record["validation_images"]) == (297 - held_out, held_out)


def test_the_optimiser_is_that_of_the_recipe() -> None:
    for name in OPTIMIZERS:
        recipe = Recipe(3, 32, 0.5, "categorical_crossentropy", optimizer=name, weight_decay=0.1)
        made = build_optimizer(recipe, steps=4)
        assert type(made).__name__.lower() == name
        assert made.weight_decay == 0.1
        rates = [float(made._learning_rate(step)) for step in range(13)]
        assert rates[0] == pytest.approx(0.02)
        assert (max(rates), rates.index(max(rates))) == (0.5, 3)
        assert rates[-1] == 0
        steady = build_optimizer(replace(recipe, schedule="constant", weight_decay=0.0), steps=4)
        assert (float(steady.learning_rate), steady.weight_decay or 0) == (0.5, 0)


def test_another_seed_gives_another_model(digits: Splits) -> None:
    first, other = (train_briefly("linear", digits, epochs=1, seed=seed) for seed in (1, 2))
    assert not np.array_equal(first.model.get_weights()[0], other.model.get_weights()[0])


def test_an_unknown_architecture_lists_the_known() -> None:
    with pytest.raises(UsageError, match="linear, dense-100, "):
        architecture("transformer")


@pytest.mark.parametrize("name", READY_MODELS)
def test_every_ready_model_is_there_with_its_record(name: str) -> None:
    model, record = load_model(name), json.loads(find_model(name).path.with_suffix(".json").read_text())
    assert record["architecture"] == name == model.name
    assert record["parameters"] == model.count_params()
    assert record["dataset"] == "mnist"
    held_out = round(60_000 * architecture(name).recipe.validation_split)
    assert (record["train_images"], record["validation_images"]) == (60_000 - held_out, held_out)
    assert record["test_images"] == 10_000
    assert [weights.shape for weights in model.get_weights()] == [
        weights.shape for weights in architecture(name).build().get_weights()
    ]
    assert len(record["history"]["loss"]) == record["recipe"]["epochs"]
    assert record["recipe"] == json.loads(json.dumps(asdict(architecture(name).recipe)))
    assert record["command"].startswith(f"mnist-train --architecture {name} --seed {record['seed']} ")
    assert set(record["dataset_sha256"]) == {"train", "test"}
    assert {"tensorflow", "keras", "numpy"} <= set(record["tools"])
    assert record["macs"] == macs(model)
    distillation = record["recipe"]["distillation"]
    taught_by = find_model(distillation["teacher"]).sha256 if distillation else None
    assert record["teacher_sha256"] == taught_by, "train it again, by the teacher that is ready now"


LEAST = {"linear": 0.915, "mlp": 0.98, "tiny": 0.994, "cnn": 0.995, "accurate": 0.997}


@pytest.mark.parametrize("name", READY_MODELS)
def test_the_ready_models_are_as_good_as_their_records_say(mnist_data: Splits, name: str) -> None:
    from mnist_trainer import evaluate

    record = json.loads(find_model(name).path.with_suffix(".json").read_text())
    accuracy = evaluate(load_model(name), mnist_data.test).accuracy
    assert accuracy == pytest.approx(record["test_accuracy"], abs=2e-4)
    assert accuracy >= LEAST[name]
