"""Some of what scripts/fuzz-pictures tries 20,000 times, and the proof that it would notice."""

import os
import subprocess
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_runtime import Classifier, Prediction, UsageError
from mnist_tools.stress.hostile_pictures import ARRAYS, BOMBS
from mnist_tools.stress.pictures import KINDS, USUAL, damaged, examine, sources

ROOT = Path(__file__).parents[3]
SLOW = frozenset(f"bomb, {name}" for name in BOMBS if name.startswith(("largest", "bmp in runs", "jpeg 7,071", "webp")))
"""They take a second or two each."""


def test_bombs_arrays_and_damaged_pictures_are_told_or_classified() -> None:
    count = 6 * len(KINDS)
    seen, failures, _ = examine(0, count, passed_over=SLOW)
    assert failures == []
    assert seen.total() == count + len(BOMBS) + len(ARRAYS) - len(SLOW)
    assert {result for _, result in seen} == {"a digit", "no digit", "PictureError", "UsageError"}


def test_the_pictures_are_whole_before_they_are_damaged(tmp_path: Path) -> None:
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


def test_damage_is_the_same_again() -> None:
    files = sources()
    assert [damaged(files, 3, number) for number in range(30)] == [damaged(files, 3, number) for number in range(30)]


def of_no_kind(*_: object) -> Prediction:
    raise KeyError("tag 274")


def of_two_lines(*_: object) -> Prediction:
    raise UsageError("expected\na picture")


def with_a_warning(*_: object) -> Prediction:
    warnings.warn("odd", RuntimeWarning, stacklevel=1)
    return Prediction(None)


def with_a_word(*_: object) -> Prediction:
    os.write(2, b"corrupt\n")  # as native code does
    return Prediction(None)


def with_much_memory(*_: object) -> Prediction:
    assert np.ones(64 << 20, np.uint8).all()
    return Prediction(None)


def with_much_time(*_: object) -> Prediction:
    started = time.process_time()
    while time.process_time() < started + 0.02:
        pass
    return Prediction(None)


@pytest.mark.parametrize(
    ("classify", "words"),
    [
        (of_no_kind, "KeyError: 'tag 274'"),
        (of_two_lines, "no sentence, or exit code 2"),
        (with_a_word, "wrote to stderr: 'corrupt"),
        (with_a_warning, "RuntimeWarning: odd"),
        (with_much_memory, "it took"),
        (with_much_time, "it took"),
    ],
)
def test_what_must_not_be_is_noticed(monkeypatch: pytest.MonkeyPatch, classify: Callable[..., Any], words: str) -> None:
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
    done = subprocess.run([ROOT / "scripts/fuzz-pictures"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "; 0 failures\n" in done.stdout
