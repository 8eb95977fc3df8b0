"""``scripts/tool bench soak`` on few images: the memory of every backend stays constant, and a leak is reported."""

import subprocess

import pytest
from tests.shared.backend_cases import EVERY_BACKEND

from mnist_tools.bench.soak import BOUND, COUNT
from mnist_tools.checkout import ROOT, environment, module, tool

FEW = 4000


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("size", "passes", "word"), [(0, True, "flat: "), (4000, False, "GROWS: ")])
def test_a_leak_is_reported(size: int, passes: bool, word: str) -> None:
    """The check runs in a new process, because memory that a process has freed before hides a leak."""
    done = run(module("tests.scripts.bench.leaking_classifier", size, FEW))
    assert (done.returncode == 0) is passes, done.stdout + done.stderr
    assert done.stdout.startswith(word)
    assert size == 0 or 0.8 * FEW / 2 * size > BOUND  # the memory leaked between the two measurements


@pytest.mark.long
@pytest.mark.parametrize("backend", EVERY_BACKEND)
def test_the_memory_of_each_backend_stays_constant(backend: str) -> None:
    done = run(tool("bench soak", "--backend", backend, "--count", FEW))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"flat: {backend} ")


@pytest.mark.slow
@pytest.mark.parametrize("backend", EVERY_BACKEND)
def test_the_memory_of_each_backend_stays_constant_for_a_million_images(backend: str) -> None:
    done = run(tool("bench soak", "--backend", backend, "--count", COUNT))
    assert done.returncode == 0, done.stdout + done.stderr
