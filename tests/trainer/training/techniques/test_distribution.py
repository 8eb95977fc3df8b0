import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_trainer import Splits, UsageError, architecture, load_model, train
from mnist_trainer.recipes.choices import STRATEGIES
from mnist_trainer.training.techniques.distribution import is_chief, open_strategy

OPTIONS = ("--architecture", "dense-100", "--data", "digits", "--epochs", "2", "--seed", "3")
RECIPE = replace(architecture("dense-100").recipe, epochs=2)


def start_worker(folder: Path, addresses: list[str], index: int) -> subprocess.Popen[str]:
    """Start a training as one of several workers, in a folder of its own."""
    folder.mkdir()
    program = Path(sys.executable).with_name("mnist-train")
    cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
    return subprocess.Popen(
        [program, *OPTIONS, "--strategy=multi-worker", "--output", "model.keras"],
        cwd=folder,
        env={**os.environ, "TF_CONFIG": json.dumps(cluster)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_two_workers_train_the_model_of_one(digits: Splits, tmp_path: Path) -> None:
    with socket.socket() as first, socket.socket() as second:
        for free in (first, second):
            free.bind(("127.0.0.1", 0))
        addresses = [f"127.0.0.1:{free.getsockname()[1]}" for free in (first, second)]
    folders = [tmp_path / f"worker {index}" for index in (0, 1)]
    workers = [start_worker(folder, addresses, index) for index, folder in enumerate(folders)]
    alone = train(architecture("dense-100"), digits, recipe=RECIPE, seed=3)
    for worker in workers:
        _, stderr = worker.communicate(timeout=240)
        assert (worker.returncode, "oneDNN" in stderr, "Warning" in stderr) == (0, False, False), stderr
    assert [path.name for path in folders[1].iterdir()] == []
    assert json.loads((folders[0] / "model.json").read_text())["replicas"] == 2
    together = load_model(str(folders[0] / "model.keras"))
    for one, other in zip(alone.model.get_weights(), together.get_weights(), strict=True):
        assert np.allclose(one, other, atol=1e-5)


@pytest.mark.long
def test_a_mirrored_strategy_trains_on_all_devices_of_this_machine(digits: Splits) -> None:
    strategy = open_strategy("mirrored")
    assert is_chief(strategy)
    record = train(architecture("dense-100"), digits, recipe=RECIPE, seed=3, strategy=strategy).record
    assert record["replicas"] == 1
    assert record["history"]["loss"][1] < record["history"]["loss"][0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"cluster": {"worker": ["a:1"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
    ],
)
def test_a_wrong_cluster_is_reported(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UsageError, match="The environment variable TF_CONFIG must list all workers"):
        open_strategy("multi-worker")


def test_a_recipe_that_averages_weights_is_rejected(digits: Splits) -> None:
    with pytest.raises(UsageError, match="recipe of cnn averages the weights"):
        train(architecture("cnn"), digits, strategy=object())


def test_an_unknown_strategy_is_reported_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=", ".join(STRATEGIES)):
        open_strategy("tpu")
    assert is_chief(None)
