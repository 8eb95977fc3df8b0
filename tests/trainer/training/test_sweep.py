from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from types import SimpleNamespace

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from PIL import Image

from mnist_trainer import MissingPackageError, Splits, UsageError
from mnist_trainer.architectures.base import Architecture
from mnist_trainer.cli.chosen_recipe import chosen_recipe
from mnist_trainer.errors import DivergedError
from mnist_trainer.recipes.recipe import Recipe
from mnist_trainer.training import sweep
from mnist_trainer.training.sweep import Sweep


def search(folder: Path, **changes: object) -> Sweep:
    facts = {"architectures": ("linear", "dense-100"), "epochs": 1, "seed": 0, "study": "s"}
    return Sweep(**{**facts, "storage": f"sqlite:///{folder / 'sweep.db'}", **changes})


@pytest.mark.slow
def test_a_search_continues_where_it_stopped(digits: Splits, tmp_path: Path) -> None:
    assert len(search(tmp_path).run(digits, trials=2).trials) == 2
    study = search(tmp_path).run(digits, trials=3)
    assert len(study.trials) == 3
    assert len(search(tmp_path).run(digits, trials=3).trials) == 3  # nothing is left to do
    assert len({tuple(trial.params.items()) for trial in study.trials}) == 3  # no combination is tried twice
    assert study.best_value == max(trial.value for trial in study.trials if trial.value is not None)
    assert set(study.best_params) == {"architecture", "augmentation", "optimizer", "learning_rate", "batch_size"}


@pytest.mark.long
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("architecture", ["cnn", "dense-100"])
def test_a_trial_trains_with_the_recipe_of_its_options(
    digits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, architecture: str, optimizer: str
) -> None:
    recipes = []

    def train(_: Architecture, __: Splits, *, recipe: Recipe, **___: object) -> SimpleNamespace:
        recipes.append(recipe)
        return SimpleNamespace(record={"validation_accuracy": 0.5})

    monkeypatch.setattr(sweep, "train", train)
    study = optuna.create_study(storage=f"sqlite:///{tmp_path / 'sweep.db'}", study_name="s", direction="maximize")
    study.enqueue_trial({"architecture": architecture, "optimizer": optimizer})
    found = search(tmp_path, architectures=("cnn", "dense-100")).run(digits, trials=1)
    chosen = found.best_params
    assert (chosen.pop("architecture"), chosen["optimizer"]) == (architecture, optimizer)
    options = {"epochs": 1, "peak_learning_rate": chosen.pop("learning_rate"), **chosen}
    assert recipes == [chosen_recipe(architecture, None, options, digits.train.task)[1]]


@pytest.mark.long
@pytest.mark.parametrize("diverging", [3, 2])
def test_trials_that_diverge_count_and_a_sweep_of_them_alone_is_an_error(
    digits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, diverging: int
) -> None:
    begun = []

    def train(*_: object, **__: object) -> SimpleNamespace:
        begun.append(1)
        assert len(begun) <= 3, "the sweep does not end"
        if len(begun) <= diverging:
            raise DivergedError("The loss is nan.")
        return SimpleNamespace(record={"validation_accuracy": 0.5})

    monkeypatch.setattr(sweep, "train", train)
    if diverging == 3:
        for _ in range(2):  # the second time, nothing is left to try
            with pytest.raises(DivergedError, match=r"No trial of the sweep s has a model: .* with more --trials"):
                search(tmp_path).run(digits, trials=3)
    else:
        states = [trial.state for trial in search(tmp_path).run(digits, trials=3).trials]
        assert states == [TrialState.PRUNED, TrialState.PRUNED, TrialState.COMPLETE]
    assert len(begun) == 3


@pytest.mark.slow
def test_a_trial_below_the_median_is_stopped(digits: Splits, tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'sweep.db'}"
    study = optuna.create_study(storage=storage, study_name="s", direction="maximize")
    for _ in range(4):  # trials with a perfect model after one epoch
        study.add_trial(
            optuna.trial.create_trial(state=TrialState.COMPLETE, value=1.0, intermediate_values={0: 1.0, 1: 1.0})
        )
    trials = search(tmp_path, epochs=2).run(digits, trials=5).trials
    assert trials[-1].state == TrialState.PRUNED
    assert list(trials[-1].intermediate_values) == [0]


def test_a_storage_that_cannot_be_used_is_reported(digits: Splits, tmp_path: Path) -> None:
    for storage in ("nonsense", f"sqlite:///{tmp_path}/missing/sweep.db", "oracle://nobody@nowhere/x"):
        with pytest.raises(UsageError, match=r"The Optuna storage .* cannot be used"):
            search(tmp_path, storage=storage).run(digits, trials=1)


def test_a_missing_optuna_is_reported_with_the_command_that_installs_it(
    digits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingPackageError, match=r"needs .*optuna.*mnist-edge-export\[sweep\]"):
        search(tmp_path).run(digits, trials=1)


@pytest.mark.slow
def test_the_command_prints_how_to_train_the_best_model(
    here: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    options = ["--data", "digits", "--epochs", "1", "--trials", "2", "--architecture", "linear"]
    done = here("mnist-train", "sweep", *options, "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("mnist-train --data digits --epochs 1 --seed 0 --architecture linear")
    assert done.stderr.count("\n") <= 3
    for name in ("history.png", "importance.png"):
        with Image.open(tmp_path / "out" / name) as picture:
            assert np.asarray(picture.convert("L")).std() > 10
