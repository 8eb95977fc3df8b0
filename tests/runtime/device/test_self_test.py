"""`self_test` and its command, with the ready model and changed copies of it."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_runtime import BACKENDS, Artifact, ArtifactError, self_test
from mnist_runtime.artifact.container import GOLDEN_SCORES_ENTRY, MANIFEST_ENTRY
from mnist_runtime.backends.registry import unsupported_reason
from mnist_runtime.device.self_test import SelfTest
from mnist_tools.stress.model_files import Ready, archive_of, entries_of, resealed

READY = Ready.read("tflite")
ENTRIES = entries_of(READY.archive)


RUNS_INT2 = pytest.mark.skipif(
    all(unsupported_reason(name) for name, row in BACKENDS.items() if row.runs(("tflite",), "int2")),
    reason="no installed backend runs unknown precisions",
)


def sealed(path: Path, entries: dict[str, bytes]) -> Path:
    path.write_bytes(resealed(READY.model + archive_of(ENTRIES | entries)))
    return path


def tampered(path: Path, *, shift: int = 0, error: int = 0) -> Path:
    """Write the ready model with other golden scores: those of other images, or scores that are `error` steps lower."""
    scores = np.roll(Artifact.from_bytes(READY.content).golden.scores, shift, axis=0)
    buffer = io.BytesIO()
    np.save(buffer, np.where(scores >= error, scores - error, scores).astype(scores.dtype))
    return sealed(path, {GOLDEN_SCORES_ENTRY: buffer.getvalue()})


def test_other_golden_scores_are_found(tmp_path: Path) -> None:
    assert self_test(tampered(tmp_path / "same.tflite"), backend="numpy").passed
    assert self_test(tampered(tmp_path / "others.tflite", shift=1)).different > 5
    same = self_test(tampered(tmp_path / "same.tflite"))
    near = self_test(tampered(tmp_path / "near.tflite", error=1))
    assert near.passed
    assert max(1 / 256, same.max_score_error) <= near.max_score_error <= same.max_score_error + 1 / 256
    far = self_test(tampered(tmp_path / "far.tflite", error=40))
    assert (far.passed, far.different) == (False, 0)
    assert far.max_score_error >= 40 / 256


@pytest.mark.parametrize(
    ("images", "different", "error", "passed"),
    [(10, 0, 0.06, True), (10, 0, 0.07, False), (10, 1, 0.0, False), (0, 0, 0.0, False)],
)
def test_a_test_passes_with_the_same_answers_and_near_scores(
    images: int, different: int, error: float, passed: bool
) -> None:
    assert SelfTest(images, different, error, 0.0625, "litert", "numpy").passed == passed


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"golden": {"version": "2.3.0", "machine": "x86_64"}}, "the record version, machine"),
        ({"golden": {}}, "the record nothing"),
        pytest.param({"precision": "int2"}, "precision int2, 10 golden scores", marks=RUNS_INT2),
    ],
)
def test_a_file_without_a_complete_record_is_rejected(tmp_path: Path, facts: dict[str, object], words: str) -> None:
    manifest = json.dumps(json.loads(ENTRIES[MANIFEST_ENTRY]) | facts)
    path = sealed(tmp_path / "other.tflite", {MANIFEST_ENTRY: manifest.encode()})
    with pytest.raises(ArtifactError, match=f"cannot be tested: .*{words}"):
        self_test(path)


def test_the_command_prints_the_result_and_exits_with_5(run: Callable[..., object], tmp_path: Path) -> None:
    whole = run("mnist-runtime", "self-test", "--backend", "numpy")
    assert (whole.returncode, whole.stderr) == (0, "")
    assert whole.stdout.startswith("passed: 10 of 10 answers as recorded")
    assert ", run with numpy" in whole.stdout
    broken = run("mnist-runtime", "self-test", tampered(tmp_path / "others.tflite", shift=1))
    assert broken.returncode == 5
    assert broken.stdout.startswith("FAILED: ")
    assert not broken.stdout.startswith("FAILED: 10 of")
    assert broken.stderr.startswith("error: The answers of ")
