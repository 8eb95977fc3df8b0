import dataclasses
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mnist_trainer import Splits, UsageError, architecture, load_model, train
from mnist_trainer.recipes.choices import STRATEGIES
from mnist_trainer.training.techniques.distribution import is_chief, open_strategy

OPTIONS = ("--architecture", "dense-100", "--data", "digits", "--epochs", "2", "--seed", "3")


def start(folder: Path, *options: str, **environment: str) -> subprocess.Popen[str]:
    """Start a training in `folder`, which need not be the same for all workers."""
    folder.mkdir()
    program = Path(sys.executable).with_name("mnist-train")
    return subprocess.Popen(
        [program, *OPTIONS, *options, "--output", "model.keras"],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def weights(folder: Path) -> list[np.ndarray]:
    return load_model(str(folder / "model.keras")).get_weights()


def test_two_workers_make_the_model_of_one(tmp_path: Path) -> None:
    alone = start(tmp_path / "alone")
    with socket.socket() as first, socket.socket() as second:
        for free in (first, second):
            free.bind(("127.0.0.1", 0))
        addresses = [f"127.0.0.1:{free.getsockname()[1]}" for free in (first, second)]
    workers = [
        start(
            tmp_path / f"worker {index}",
            "--strategy=multi-worker",
            TF_CONFIG=json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}),
        )
        for index in (0, 1)
    ]
    for process in (alone, *workers):
        _, said = process.communicate(timeout=240)
        assert process.returncode == 0, said
    assert [path.name for path in (tmp_path / "worker 1").iterdir()] == []
    assert json.loads((tmp_path / "worker 0" / "model.json").read_text())["replicas"] == 2
    for one, other in zip(weights(tmp_path / "alone"), weights(tmp_path / "worker 0"), strict=True):
        assert np.allclose(one, other, atol=1e-5)


def test_all_devices_of_one_machine_are_a_strategy_too(tmp_path: Path) -> None:
    process = start(tmp_path / "mirrored", "--strategy=mirrored")
    _, said = process.communicate(timeout=240)
    assert process.returncode == 0, said
    record = json.loads((tmp_path / "mirrored" / "model.json").read_text())
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
def test_a_cluster_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UsageError, match="The environment variable TF_CONFIG must list all workers"):
        open_strategy("multi-worker")


def test_a_recipe_that_one_device_alone_can_follow_is_told(digits: Splits) -> None:
    cnn = architecture("cnn")
    with pytest.raises(UsageError, match="recipe of cnn averages the weights"):
        train(cnn, digits, recipe=dataclasses.replace(cnn.recipe, ema_steps=100), strategy=object())


def test_an_unknown_strategy_is_told() -> None:
    with pytest.raises(UsageError, match=", ".join(STRATEGIES)):
        open_strategy("tpu")
    assert is_chief(None)
