"""Names of files with a new line: no command prints a line that a name has forged."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_trainer import load_model

Run = Callable[..., object]

ODD = "a\nerror: forged"


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    load_model("linear").save(f"{ODD}.keras")
    return f"{ODD}.keras"


def forged(done: object) -> list[str]:
    assert done.returncode == 0, done.stderr
    return [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("error: forged")]


@pytest.mark.long
def test_an_evaluation_prints_names_on_one_line(here: Run, model: str) -> None:
    done = here("mnist-evaluate", model, "--data", "digits", "--report", ODD)
    assert forged(done) == []
    assert r"a\nerror: forged.keras: trained on pixels" in done.stderr
    assert r"open in a browser: a\nerror: forged/evaluation.html" in done.stderr


@pytest.mark.long
def test_an_export_prints_names_on_one_line(here: Run, model: str) -> None:
    done = here("mnist-export", model, "--data", "digits", "--output", f"{ODD}/")
    assert forged(done) == []
    assert r"mnist-runtime classify --model 'a\nerror: forged/a\nerror: forged-float32.tflite' PICTURE" in done.stderr


def test_a_training_prints_names_on_one_line(here: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 200)
    images = (random.integers(0, 60, (200, 8, 8)) + 150 * labels[:, None, None]).astype(np.uint8)
    names = np.array(["x", "y"])[labels]
    np.savez(f"{ODD}.npz", x_train=images[:150], y_train=names[:150], x_test=images[150:], y_test=names[150:])
    words = ("--architecture", "linear", "--epochs", 1, "--output", f"{ODD}.keras")
    done = here("mnist-train", *words, "--data", f"{ODD}.npz")
    assert forged(done) == []
    assert done.stdout == "a\\nerror: forged.keras\n"
    assert (
        r"mnist-export 'a\nerror: forged.keras' --format tflite --quantize --data 'a\nerror: forged.npz'" in done.stderr
    )
