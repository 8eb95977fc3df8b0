import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.export_cases import DEVICE_PAIR, EVERY_RUN

from mnist_exporters import ExportReport, Precision
from mnist_exporters.formats.seal import seal
from mnist_runtime import BACKENDS, Artifact, ArtifactError, self_test
from mnist_runtime.device.self_test import SCORE_BOUNDS


@pytest.mark.parametrize(("format", "precision"), DEVICE_PAIR)
def test_where_a_file_was_made_it_repeats_itself_exactly(
    exported: Callable[..., ExportReport], format: str, precision: Precision
) -> None:
    found = self_test(exported("cnn", format, precision).path)
    assert found.passed
    assert (found.images, found.different, found.max_score_error, found.bound) == (10, 0, 0.0, SCORE_BOUNDS[precision])
    assert found.recorded_with == found.run_with


@pytest.mark.parametrize(("backend", "precision"), EVERY_RUN)
def test_every_interpreter_stays_within_the_bound(
    exported: Callable[..., ExportReport], run: Callable[..., object], backend: str, precision: Precision
) -> None:
    # tflite-runtime has int4 convolutions only.
    model = "cnn" if precision is Precision.INT4 else "mlp"
    path = exported(model, BACKENDS[backend].format, precision).path
    done = run("mnist-runtime", "self-test", path, "--backend", backend, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["passed"] is True
    assert found["max_score_error"] <= found["bound"] == SCORE_BOUNDS[precision]
    assert found["run_with"].startswith(backend)


def tampered(path: Path, target: Path, *, shift: int = 0, error: int = 0) -> Path:
    """Seal the model again with other golden scores: those of other images, or a few steps away."""
    artifact = Artifact.open(path)
    model = artifact.content[: artifact.content.index(b"PK\x03\x04")]
    scores = np.roll(artifact.golden.scores, shift, axis=0)
    off = np.where(scores >= error, scores - error, scores).astype(scores.dtype)
    target.write_bytes(seal(model, artifact.manifest, dataclasses.replace(artifact.golden, scores=off)))
    return target


def test_it_bites(int8_tflite: Path, tmp_path: Path) -> None:
    assert tampered(int8_tflite, tmp_path / "same").read_bytes() == int8_tflite.read_bytes()
    assert self_test(tampered(int8_tflite, tmp_path / "others", shift=1)).different > 5
    near = self_test(tampered(int8_tflite, tmp_path / "near", error=1))
    assert (near.passed, near.max_score_error) == (True, 1 / 256)
    far = self_test(tampered(int8_tflite, tmp_path / "far", error=40))
    assert (far.passed, far.different, far.max_score_error) == (False, 0, 40 / 256)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"golden": {"version": "2.3.0", "machine": "x86_64"}}, "recorded with machine, version"),
        ({"golden": {}}, "recorded with nothing"),
        ({"precision": "int2"}, "received int2 with 10 golden scores"),
    ],
)
def test_a_file_that_was_not_proven_or_not_here_is_refused(
    int8_tflite: Path, tmp_path: Path, facts: dict[str, object], words: str
) -> None:
    artifact = Artifact.open(int8_tflite)
    model = artifact.content[: artifact.content.index(b"PK\x03\x04")]
    path = tmp_path / "other.tflite"
    path.write_bytes(seal(model, dataclasses.replace(artifact.manifest, **facts), artifact.golden))
    with pytest.raises(ArtifactError, match=rf"Expected a proven file of a precision among float32, .*{words}"):
        self_test(path)


def test_the_command_tells_and_ends_with_5(run: Callable[..., object], int8_tflite: Path, tmp_path: Path) -> None:
    whole = run("mnist-runtime", "self-test")
    assert (whole.returncode, whole.stderr) == (0, "")
    assert whole.stdout.startswith("passed: 10 of 10 answers as recorded")
    broken = run("mnist-runtime", "self-test", tampered(int8_tflite, tmp_path / "others.tflite", shift=1))
    assert broken.returncode == 5
    assert broken.stdout.startswith("FAILED")
    assert broken.stderr.startswith("error: Expected the recorded answers")
