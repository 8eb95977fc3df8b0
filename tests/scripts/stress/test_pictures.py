"""``scripts/tool stress pictures`` on few pictures: all are classified or rejected, and each fault is reported."""

import os
import subprocess
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_runtime import ArtifactError, Classifier, Prediction
from mnist_tools.checkout import environment, tool
from mnist_tools.stress.hostile_pictures import ARRAYS, BOMBS
from mnist_tools.stress.pictures import KINDS, USUAL, damaged, examine, sources

SLOW = frozenset(
    f"bomb, {name}" for name in BOMBS if name.startswith(("largest", "bmp run-length", "jpeg 7,071", "webp"))
)
"""These take one or two seconds each."""


@pytest.mark.slow
def test_bombs_arrays_and_corrupted_pictures_are_classified_or_rejected() -> None:
    count = 6 * len(KINDS)
    seen, failures, _ = examine(0, count, passed_over=SLOW)
    assert failures == []
    assert seen.total() == count + len(BOMBS) + len(ARRAYS) - len(SLOW)
    assert {result for _, result in seen} == {"a digit", "no digit", "PictureError", "UsageError"}


@pytest.mark.long
def test_the_intact_pictures_are_classified_correctly(tmp_path: Path) -> None:
    files = sources()
    assert set(USUAL) <= set(files)
    assert len(files) > 15
    classifier = Classifier.load(backend="numpy")
    for format in set(files) - {"EPS"}:
        answers = []
        for content in files[format]:
            (tmp_path / "seven").write_bytes(content)
            answers.append(classifier.classify(tmp_path / "seven").digit)
        assert 7 in answers, format


def test_corruptions_are_reproducible() -> None:
    files = sources()
    assert [damaged(files, 3, number) for number in range(30)] == [damaged(files, 3, number) for number in range(30)]


def raises_a_foreign_error(*_: object) -> Prediction:
    raise KeyError("tag 274")


def raises_an_error_of_another_kind(*_: object) -> Prediction:
    raise ArtifactError("The model is damaged. Export it again.")


def warns(*_: object) -> Prediction:
    warnings.warn("odd", RuntimeWarning, stacklevel=1)
    return Prediction(None)


def writes_to_stderr(*_: object) -> Prediction:
    os.write(2, b"corrupt\n")  # as native code does
    return Prediction(None)


def uses_much_memory(*_: object) -> Prediction:
    assert np.ones(64 << 20, np.uint8).all()
    return Prediction(None)


def uses_much_time(*_: object) -> Prediction:
    started = time.process_time()
    while time.process_time() < started + 0.02:
        pass
    return Prediction(None)


@pytest.mark.parametrize(
    ("classify", "words"),
    [
        (raises_a_foreign_error, "KeyError: 'tag 274'"),
        (raises_an_error_of_another_kind, "exit code 5, or a bad message"),
        (writes_to_stderr, "wrote to stderr: 'corrupt"),
        (warns, "RuntimeWarning: odd"),
        (uses_much_memory, "took"),
        (uses_much_time, "took"),
    ],
)
def test_forbidden_outcomes_are_reported(
    monkeypatch: pytest.MonkeyPatch, classify: Callable[..., Any], words: str
) -> None:
    monkeypatch.setattr(Classifier, "classify", classify)
    monkeypatch.setattr("mnist_tools.stress.pictures.SECONDS", 0.01)
    monkeypatch.setattr("mnist_tools.stress.pictures.MEGABYTES", 5)
    monkeypatch.setattr("mnist_tools.stress.pictures.ARRAYS", {"0 x 0": ARRAYS["0 x 0"]})
    monkeypatch.setattr("mnist_tools.stress.pictures.BOMBS", {})
    _, failures, _ = examine(0, 0)
    assert len(failures) == 1
    assert words in failures[0]


@pytest.mark.slow
def test_twenty_thousand_pictures() -> None:
    done = subprocess.run(tool("stress pictures"), env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "; 0 failures\n" in done.stdout
