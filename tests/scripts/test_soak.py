"""A little of what scripts/soak does with a million images, and the proof that it would notice a leak."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scripts.soak import BOUND, COUNT, soak
from tests.conftest import EVERY_BACKEND

from mnist_runtime import Artifact, Classifier

READY = Path(__file__).parents[2] / "runtime/mnist_runtime/models/cnn-int8.tflite"
FEW = 4000


class Leaking:
    """An interpreter that keeps some bytes of each call."""

    output = None

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: list[bytes] = []

    def run(self, pixels: np.ndarray) -> np.ndarray:
        self._kept.append(bytes(self._size))
        return np.zeros((len(pixels), 10), np.float32)


@pytest.mark.parametrize(("size", "passes", "word"), [(0, True, "flat: "), (4000, False, "GROWS: ")])
def test_a_leak_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], size: int, passes: bool, word: str
) -> None:
    leaking = Classifier(Artifact.open(READY), [Leaking(size)], "numpy")
    monkeypatch.setattr(Classifier, "load", lambda **_: leaking)
    assert soak("numpy", FEW) is passes
    assert capsys.readouterr().out.startswith(word)
    assert size == 0 or 0.8 * FEW / 2 * size > BOUND  # what is kept while the memory is watched


@pytest.mark.parametrize("backend", EVERY_BACKEND)
def test_memory_stays_as_it_is(run: Callable[..., subprocess.CompletedProcess[str]], backend: str) -> None:
    done = run("python", "-m", "scripts.soak", "--backend", backend, "--count", FEW)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"flat: {backend} ")


@pytest.mark.slow
@pytest.mark.parametrize("backend", EVERY_BACKEND)
def test_memory_stays_as_it_is_for_a_million_images(backend: str) -> None:
    command = [sys.executable, "-m", "scripts.soak", "--backend", backend, "--count", str(COUNT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
