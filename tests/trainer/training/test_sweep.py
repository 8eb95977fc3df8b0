import subprocess
import sys
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from mnist_trainer import Splits, UsageError
from mnist_trainer.errors import MissingPackageError
from mnist_trainer.training.sweep import Sweep


def search(folder: Path, **changes: object) -> Sweep:
    facts = {"architectures": ("linear", "dense-100"), "epochs": 1, "seed": 0, "study": "s"}
    return Sweep(**{**facts, "storage": f"sqlite:///{folder / 'sweep.db'}", **changes})


def test_a_search_goes_on_where_it_stopped(digits: Splits, tmp_path: Path) -> None:
    assert len(search(tmp_path).run(digits, trials=2).trials) == 2
    study = search(tmp_path).run(digits, trials=4)
    assert len(study.trials) == 4
    assert len(search(tmp_path).run(digits, trials=4).trials) == 4  # nothing is left to do
    assert len({tuple(trial.params.items()) for trial in study.trials}) == 4  # nothing is tried twice
    assert study.best_value == max(trial.value for trial in study.trials if trial.value is not None)
    assert set(study.best_params) == {"architecture", "augmentation", "optimizer", "learning_rate", "batch_size"}


def test_a_trial_that_lags_behind_is_given_up(digits: Splits, tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'sweep.db'}"
    study = optuna.create_study(storage=storage, study_name="s", direction="maximize")
    for _ in range(4):  # trials of a model that was perfect after an epoch
        study.add_trial(
            optuna.trial.create_trial(state=TrialState.COMPLETE, value=1.0, intermediate_values={0: 1.0, 1: 1.0})
        )
    trials = search(tmp_path, epochs=2).run(digits, trials=5).trials
    assert trials[-1].state == TrialState.PRUNED
    assert list(trials[-1].intermediate_values) == [0]


def test_a_storage_that_is_none_is_told(digits: Splits, tmp_path: Path) -> None:
    for storage in ("nonsense", f"sqlite:///{tmp_path}/missing/sweep.db", "oracle://nobody@nowhere/x"):
        with pytest.raises(UsageError, match=r"The Optuna storage .* cannot be used"):
            search(tmp_path, storage=storage).run(digits, trials=1)


def test_without_optuna_it_says_what_to_install(
    digits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingPackageError, match=r"mnist-edge-export\[sweep\]"):
        search(tmp_path).run(digits, trials=1)


def test_the_command_says_how_to_train_the_best(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("mnist-train")
    options = ["--data", "digits", "--epochs", "1", "--trials", "3", "--architecture", "linear", "--output", "out"]
    done = subprocess.run([program, "sweep", *options], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("mnist-train --data digits --epochs 1 --seed 0 --architecture linear")
    assert done.stderr.count("\n") <= 3
    for name in ("history.png", "importance.png"):
        from PIL import Image

        with Image.open(tmp_path / "out" / name) as picture:
            assert np.asarray(picture.convert("L")).std() > 10
