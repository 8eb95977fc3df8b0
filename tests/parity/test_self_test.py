"""`self_test` with files of every format and precision, and with every backend."""

import json
from collections.abc import Callable

import pytest
from tests.shared.export_cases import DEVICE_FILE, EVERY_RUN

from mnist_exporters import ExportReport, Precision
from mnist_runtime import BACKENDS, self_test
from mnist_runtime.device.self_test import SCORE_BOUNDS


@pytest.mark.long
@pytest.mark.parametrize(("model", "format", "precision"), DEVICE_FILE)
def test_scores_are_identical_on_the_exporting_machine(
    exported: Callable[..., ExportReport], model: str, format: str, precision: Precision
) -> None:
    found = self_test(exported(model, format, precision).path)
    assert found.passed
    assert (found.images, found.different, found.max_score_error, found.bound) == (10, 0, 0.0, SCORE_BOUNDS[precision])
    assert found.recorded_with == found.run_with


@pytest.mark.long
@pytest.mark.parametrize(("backend", "precision"), EVERY_RUN)
def test_score_errors_of_every_interpreter_are_within_the_bound(
    exported: Callable[..., ExportReport], run: Callable[..., object], backend: str, precision: Precision
) -> None:
    # tflite-runtime has int4 convolutions, but no int4 dense layers.
    model = "cnn" if precision is Precision.INT4 else "mlp"
    path = exported(model, BACKENDS[backend].format, precision).path
    done = run("mnist-runtime", "self-test", path, "--backend", backend, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["passed"] is True
    assert found["max_score_error"] <= found["bound"] == SCORE_BOUNDS[precision]
    assert found["run_with"].startswith(backend)
