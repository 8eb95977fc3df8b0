"""The trained models that come with the package, and their records."""

import keras
import pytest
from tests.shared.export_cases import EACH_READY

from mnist_trainer import READY_MODELS, Recipe, Splits, architecture, evaluate, find_model, load_model
from mnist_trainer.architectures.presets import PRESETS
from mnist_trainer.evaluation.complexity import macs
from mnist_trainer.model_io.find import TEACHERS

LEAST_ACCURACY = {"linear": 0.915, "mlp": 0.98, "tiny": 0.994, "cnn": 0.995, "accurate": 0.996, "accurate-mnist": 0.997}


@pytest.mark.parametrize("name", READY_MODELS)
def test_each_record_describes_its_model_and_the_current_recipe(name: str) -> None:
    model, record = load_model(name), find_model(name).record
    assert record["architecture"] == name == model.name
    assert record["parameters"] == model.count_params()
    assert record["macs"] == macs(model)
    assert record["dataset"] == "mnist"
    assert set(record["dataset_sha256"]) == {"train", "test"}
    assert {"tensorflow", "keras", "numpy"} <= set(record["tools"])
    assert record["command"].startswith(f"mnist-train --architecture {name} --seed {record['seed']} ")
    recipe = architecture(name).recipe
    assert Recipe.from_record(record["recipe"]) == recipe
    assert len(record["history"]["loss"]) == recipe.epochs
    held_out = round(60_000 * recipe.validation_split)
    assert (record["train_images"], record["validation_images"]) == (60_000 - held_out, held_out)
    assert record["test_images"] == 10_000
    teacher = find_model(recipe.distillation.teacher).sha256 if recipe.distillation else None
    assert record["teacher_sha256"] == teacher, "the teacher has changed: train this model again"
    assert layers_of(model) == layers_of(architecture(name).build())


def layers_of(model: keras.Model) -> list[dict[str, object]]:
    return [layer.get_config() for layer in model.layers]


@pytest.mark.parametrize("name", TEACHERS)
def test_each_teacher_is_that_of_a_preset(name: str) -> None:
    file = find_model(name)
    assert file.is_ready
    assert file.record["command"] == f"mnist-train --preset {name} --seed {file.record['seed']} --data mnist"
    assert Recipe.from_record(file.record["recipe"]) == PRESETS[name].recipe
    assert file.record["architecture"] == PRESETS[name].architecture
    assert layers_of(load_model(name)) == layers_of(architecture(PRESETS[name].architecture).build())
    assert name in {architecture(student).recipe.distillation.teacher for student in ("tiny", "cnn")}


@pytest.mark.long
@pytest.mark.parametrize("name", [*EACH_READY, *(pytest.param(name, marks=pytest.mark.slow) for name in TEACHERS)])
def test_each_model_is_as_accurate_as_recorded(mnist_data: Splits, name: str) -> None:
    accuracy = evaluate(load_model(name), mnist_data.test).accuracy
    assert accuracy == pytest.approx(find_model(name).record["test_accuracy"], abs=2e-4)
    assert accuracy >= LEAST_ACCURACY[name]
