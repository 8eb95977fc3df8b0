"""The images and files that host and guests classify, and the scores of the host."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.shared.backend_cases import EVERY_BACKEND

from mnist_exporters import Precision
from mnist_runtime import BACKENDS, BackendError, Classifier
from mnist_tools.pi.workload import Workload, images


@pytest.fixture(scope="module")
def workload(exported: Callable[..., object]) -> Workload:
    formats = {row.format for row in BACKENDS.values()}
    return Workload(images(), {name: exported("cnn", name, Precision.FLOAT32).path for name in formats})


def test_images_are_reproducible_and_show_every_digit() -> None:
    pixels = images()
    assert (pixels.shape, pixels.dtype) == ((200, 28, 28), np.uint8)
    np.testing.assert_array_equal(pixels, images())
    assert set(Classifier.load().predict(pixels[:150])) == set(range(10))


@pytest.mark.parametrize("backend", EVERY_BACKEND)
def test_the_probe_gives_the_same_scores_as_this_process(workload: Workload, backend: str, tmp_path: Path) -> None:
    result = workload.run_on_host(backend, tmp_path)
    files = (
        {"int8": None} if backend == "numpy" else {"int8": None, "float32": workload.exports[BACKENDS[backend].format]}
    )
    assert set(result.scores) == set(files)
    assert all(scores.shape == (200, 10) for scores in result.scores.values())
    assert result.versions["numpy"] == np.__version__
    if backend != "tflite-runtime":  # it cannot share this process
        for precision, path in files.items():
            expected = Classifier.load(path, backend=backend).predict_proba(workload.images)
            np.testing.assert_array_equal(result.scores[precision], expected)


def test_different_scores_are_noticed(workload: Workload, tmp_path: Path) -> None:
    host = workload.run_on_host("numpy", tmp_path)
    assert all(found.passed for found in host.compare(host, "numpy").values())
    other = Workload(workload.images[::-1].copy(), workload.exports).run_on_host("numpy", tmp_path)
    assert not host.compare(other, "numpy")["int8"].passed


def test_a_backend_that_does_not_work_on_the_host_is_an_error(workload: Workload, tmp_path: Path) -> None:
    (tmp_path / "onnxruntime.py").write_text("raise ImportError('not for this machine')")
    with pytest.raises(BackendError, match=r"onnxruntime does not work on this machine.*not for this machine"):
        workload.run_on_host("onnxruntime", tmp_path)
