"""Every ready model in every format and precision gives the answers of its original."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from tests.shared.export_cases import EVERY_EXPORT, EVERY_RUN

from mnist_exporters import FORMATS, ExportReport, ExportSession, ExportSpec, Original, Precision
from mnist_runtime import BACKENDS, Classifier
from mnist_trainer import Splits

RESULTS = {
    (row["model"], row["format"], row["precision"]): row["parity"]
    for row in json.loads((Path(__file__).parents[2] / "docs" / "results" / "data" / "exports.json").read_text())
}
"""Measurements of `scripts/tool release results`."""

ANSWERS = """
import json, sys
import numpy as np
from mnist_runtime import Classifier
classifier = Classifier.load(sys.argv[1], backend=sys.argv[2])
print(json.dumps(classifier.predict(np.load(sys.argv[3])).tolist()))
"""


@pytest.fixture(scope="module")
def on_mnist(originals: dict[str, Original], mnist_data: Splits) -> Callable[[str], ExportSession]:
    return cache(lambda model: ExportSession(originals[model], *mnist_data))


LONG_ON = {Precision.INT16X8: [pytest.mark.slow]}
"""Interpreters run integers of 16 bits with slow loops."""

ON_MNIST = [
    pytest.param(
        *each.values,
        marks=each.marks or (() if each.values[0] == "cnn" and each.values[2] == "int8" else pytest.mark.slow),
    )
    for each in EVERY_EXPORT
]
"""Every export. On MNIST, int8 exports of the default model are made by default; the others are slow."""


@pytest.mark.long
@pytest.mark.parametrize(("model", "format", "precision"), ON_MNIST)
def test_export_on_mnist_is_as_accurate_as_recorded(
    on_mnist: Callable[[str], ExportSession], tmp_path: Path, model: str, format: str, precision: Precision
) -> None:
    path = tmp_path / f"model{FORMATS[format].suffix}"
    parity = on_mnist(model).export(ExportSpec(format, precision), path).parity
    assert parity.images == 10_000
    unanswered = parity.turned_away_right / parity.images
    assert parity.drop - unanswered <= (0.004 if precision is Precision.INT4 else 0.001)
    assert unanswered <= 0.00125, "a quarter of the tolerance"
    recorded = RESULTS[model, format, str(precision)]
    # Processors add in different orders. This changes one or two answers, more in a low precision.
    assert parity.accuracy_original == pytest.approx(recorded["accuracy_original"], abs=2e-4)
    assert parity.accuracy_exported == pytest.approx(recorded["accuracy_exported"], abs=5e-4)
    assert 1 - parity.agreement <= 2 * (1 - recorded["agreement"]) + 2e-4


@pytest.mark.parametrize(
    ("backend", "precision"),
    [pytest.param(*run.values, marks=[*run.marks, *LONG_ON.get(run.values[1], [])]) for run in EVERY_RUN],
)
@pytest.mark.parametrize("model", [pytest.param("mlp", marks=pytest.mark.slow), "cnn"])
def test_every_interpreter_gives_the_same_answers(
    exported: Callable[..., ExportReport],
    digits: Splits,
    run: Callable[..., object],
    tmp_path: Path,
    backend: str,
    model: str,
    precision: Precision,
) -> None:
    """Each interpreter loads the files that the report lists, each in its own process: two cannot share one."""
    report = exported(model, BACKENDS[backend].format, precision)
    path = report.path
    images = tmp_path / "images.npy"
    np.save(images, digits.test.images)
    done = run("python", "-c", ANSWERS, path, backend, images)
    # A backend with its own precisions runs all files of them, and is in no table of interpreters.
    loads = backend in report.loads_on or bool(BACKENDS[backend].precisions)
    assert (done.returncode == 0) == loads, done.stderr
    if done.returncode != 0:
        return
    answers = np.array(json.loads(done.stdout))
    expected = Classifier.load(path).predict(digits.test.images)
    # The same kernels, maybe of another release: measured 0 of 1,500 different.
    assert np.sum(answers != expected) <= 3


@pytest.mark.long
@pytest.mark.parametrize("backend", ["litert", "onnxruntime", pytest.param("numpy", marks=pytest.mark.slow)])
def test_accuracy_of_the_ready_files_is_as_recorded(mnist_data: Splits, backend: str) -> None:
    ready = Classifier.load(backend=backend)
    format = "onnx" if backend == "onnxruntime" else "tflite"
    scores = ready.predict_proba(mnist_data.test.images)
    is_answered = scores.max(axis=1) >= ready.manifest.threshold
    accuracy = np.mean((scores.argmax(axis=1) == mnist_data.test.labels) & is_answered)
    assert accuracy == pytest.approx(RESULTS["cnn", format, "int8"]["accuracy_exported"], abs=3e-4)


@pytest.mark.long
def test_ready_files_are_exports_of_the_ready_model(originals: dict[str, Original], digits: Splits) -> None:
    """The device wheel contains the default export: same original, same answers."""
    from mnist_trainer import find_model

    for backend in ("litert", "onnxruntime"):
        ready = Classifier.load(backend=backend)
        assert ready.manifest.source["sha256"] == find_model("cnn").sha256
        agreement = np.mean(ready.predict(digits.test.images) == originals["cnn"].scores(digits.test.images).argmax(1))
        assert agreement > 0.99
