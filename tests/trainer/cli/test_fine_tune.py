"""``mnist-train --from`` tunes a trained model to the user's images, and the tuned model again."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from mnist_trainer import Splits, load_model


@pytest.fixture
def own(digits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """400 of scikit-learn's digits in a file, and no MNIST."""
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "nothing"))
    np.savez(tmp_path / "own.npz", images=digits.test.images[:400], labels=digits.test.labels[:400])
    return tmp_path / "own.npz"


def test_a_model_is_tuned_and_tuned_again(
    here: Callable[..., CompletedProcess[str]], own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = tmp_path / "trained" / "linear-tuned.keras", tmp_path / "second.keras"
    words = ("--data", own, "--epochs", "1", "--pen", "0.05")
    done = here("mnist-train", "--from", "linear", *words)
    assert done.returncode == 0, done.stderr
    assert "note: MNIST is not available, so the model rehearses pen digits only" in done.stderr
    assert "  model   linear, tuned to own.npz" in done.stderr
    assert "  mixed   with pen digits" in done.stderr
    assert "right answers on 80 test images of own.npz: " in done.stderr
    record = json.loads(first.with_suffix(".json").read_text())
    tuning = record["tuning"]["own"]
    assert f"{tuning['before']:.2%} before, {tuning['after']:.2%} after" in done.stderr
    assert tuning["after"] > tuning["before"]
    assert (record["architecture"], record["base"]["name"], record["own_images"]) == ("linear", "linear", 320)
    assert record["recipe"]["pen"]["fraction"] == 0.05

    again = here("mnist-train", "--from", first, *words, "--output", second, "--json")
    assert again.returncode == 0, again.stderr
    printed = json.loads(again.stdout)
    assert printed["base"]["name"] == "linear-tuned"
    assert printed["tuning"]["own"]["before"] == pytest.approx(tuning["after"])
    assert load_model(str(second)).output_shape == (None, 10)
