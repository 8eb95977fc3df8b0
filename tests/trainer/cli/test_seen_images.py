"""Images that a model was trained on are not tested, when their set has grown and has another name."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

Here = Callable[..., subprocess.CompletedProcess[str]]


def divided(done: subprocess.CompletedProcess[str]) -> tuple[int, int]:
    """Return how many images are for training and for the test, as a command prints them."""
    assert done.returncode == 0, done.stderr
    found = re.search(r"divided: (\d+) for training, (\d+) for the test", done.stderr)
    assert found, done.stderr
    return int(found[1]), int(found[2])


@pytest.mark.long
def test_noise_that_was_learned_by_heart_is_not_tested(here: Here, tmp_path: Path) -> None:
    images, labels = np.random.default_rng(0).integers(0, 200, (230, 28, 28), np.uint8), np.arange(230) % 2
    np.savez(tmp_path / "week.npz", images=images[:200], labels=labels[:200])
    np.savez(tmp_path / "more.npz", images=images, labels=labels)
    train = ("mnist-train", "--augmentation", "none", "--quiet")
    model = tmp_path / "noise.keras"
    done = here(*train, "--architecture", "linear", "--data", tmp_path / "week.npz", "--epochs", 1, "--output", model)
    assert done.returncode == 0, done.stderr
    assert divided(here("mnist-evaluate", model, "--data", tmp_path / "week.npz")) == (160, 40)
    assert divided(here("mnist-evaluate", model, "--data", tmp_path / "more.npz")) == (160, 70)
    tuned = tmp_path / "tuned.keras"
    done = here(*train[:1], "--from", model, "--data", tmp_path / "more.npz", "--epochs", 1, "--output", tuned)
    assert divided(done) == (184, 46)
    record = json.loads(tuned.with_suffix(".json").read_text())
    assert record["seen"]["sets"][-1] == "week.npz"
    # Of the 160 and the 24 others that it was tuned to, none is tested, and the first set is known too.
    assert divided(here("mnist-evaluate", tuned, "--data", tmp_path / "more.npz")) == (184, 46)
    kept, tested = divided(here("mnist-evaluate", tuned, "--data", tmp_path / "week.npz"))
    assert kept + tested == 200
    assert 16 <= tested <= 40
