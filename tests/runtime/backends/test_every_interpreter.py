"""Checks with every installed backend, each in a separate process; the installed wheel is tested with them too."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_runtime import BACKENDS, Classifier
from mnist_runtime.backends.registry import unsupported_reason
from mnist_tools.stress.model_files import Ready

INSTALLED = [
    name
    for name, row in BACKENDS.items()
    if importlib.util.find_spec(row.module) and not (row.numpy_below_2 and int(np.__version__.split(".")[0]) >= 2)
]

THREADS = """
import sys
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from mnist_runtime import Classifier

classifier = Classifier.load(backend=sys.argv[1], threads=3)
images = np.concatenate([np.roll(classifier.golden.images, shift, axis=2) for shift in range(-9, 10)])
parts = [images[start : start + length] for length in (1, 7, 60) for start in range(0, len(images), length)]
serial = [classifier.scores(part) for part in parts]
assert len({scores.tobytes() for scores in serial}) > 100, "the scores are too similar to show a mix-up"
with ThreadPoolExecutor(8) as pool:
    for _ in range(2):
        assert all(map(np.array_equal, serial, pool.map(classifier.scores, parts))), "threads give other scores"
print(classifier.backend_name, len(parts))
"""


@pytest.mark.parametrize("backend", INSTALLED)
def test_the_ready_model_passes_its_self_test(run: Callable[..., object], backend: str) -> None:
    done = run("mnist-runtime", "self-test", "--json", "--backend", backend)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["passed"] is True
    assert (found["images"], found["different"]) == (10, 0)
    assert found["run_with"].startswith(backend)


@pytest.mark.parametrize("backend", INSTALLED)
def test_a_picture_is_classified(run: Callable[..., object], tmp_path: Path, seven: np.ndarray, backend: str) -> None:
    Image.fromarray(seven).save(tmp_path / "seven.png")
    done = run("mnist-runtime", "classify", "--backend", backend, tmp_path / "seven.png")
    assert (done.returncode, done.stderr) == (0, "")
    assert ": 7 (" in done.stdout


@pytest.mark.parametrize("backend", INSTALLED)
def test_a_damaged_file_exits_with_5(
    run: Callable[..., object], tmp_path: Path, seven: np.ndarray, backend: str
) -> None:
    Image.fromarray(seven).save(tmp_path / "seven.png")
    format = BACKENDS[backend].format
    content = bytearray(Ready.read(format).content)
    content[len(content) // 2] ^= 4
    damaged = tmp_path / f"damaged.{format}"
    damaged.write_bytes(content)
    done = run("mnist-runtime", "classify", "--model", damaged, "--backend", backend, tmp_path / "seven.png")
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.startswith(f"error: {damaged}: The file is damaged")
    assert done.stderr.count("\n") == 1


@pytest.mark.long
@pytest.mark.parametrize("backend", INSTALLED)
def test_eight_threads_give_the_same_scores_as_one(run: Callable[..., object], backend: str) -> None:
    done = run("python", "-c", THREADS, backend)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{backend} ")


def test_the_first_that_works_is_chosen() -> None:
    works = [name for name in INSTALLED if unsupported_reason(name) is None]
    assert Classifier.load().backend_name == works[0]
