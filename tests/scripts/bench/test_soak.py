"""A little of what scripts/soak does with a million images, and the proof that it would notice a leak."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.backend_cases import EVERY_BACKEND

from mnist_tools.bench.soak import BOUND, COUNT

READY = Path(__file__).parents[3] / "runtime/mnist_runtime/models/cnn-int8.tflite"
FEW = 4000

LEAKING = """
import sys
import numpy as np
from mnist_runtime import Artifact, Classifier
from mnist_tools.bench.soak import soak

class Leaking:
    output = None
    kept = []

    def run(self, pixels):
        self.kept.append(b"x" * int(sys.argv[2]))
        return np.zeros((len(pixels), 10), np.float32)

leaking = Classifier(Artifact.open(sys.argv[1]), [Leaking()], "numpy")
Classifier.load = lambda **_: leaking
sys.exit(not soak("numpy", int(sys.argv[3])))
"""
"""A process of its own, for one that has held much before may grow within what it holds."""


@pytest.mark.parametrize(("size", "passes", "word"), [(0, True, "flat: "), (4000, False, "GROWS: ")])
def test_a_leak_is_noticed(
    run: Callable[..., subprocess.CompletedProcess[str]], size: int, passes: bool, word: str
) -> None:
    done = run("python", "-c", LEAKING, READY, size, FEW)
    assert (done.returncode == 0) is passes, done.stdout + done.stderr
    assert done.stdout.startswith(word)
    assert size == 0 or 0.8 * FEW / 2 * size > BOUND  # what is kept while the memory is watched


@pytest.mark.parametrize("backend", EVERY_BACKEND)
def test_memory_stays_as_it_is(run: Callable[..., subprocess.CompletedProcess[str]], backend: str) -> None:
    done = run("python", "-m", "mnist_tools.bench.soak", "--backend", backend, "--count", FEW)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"flat: {backend} ")


@pytest.mark.slow
@pytest.mark.parametrize("backend", EVERY_BACKEND)
def test_memory_stays_as_it_is_for_a_million_images(backend: str) -> None:
    command = [sys.executable, "-m", "mnist_tools.bench.soak", "--backend", backend, "--count", str(COUNT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
