"""Some of what scripts/damage tries 20,000 times, and the proof that it would notice."""

import subprocess
from pathlib import Path

import pytest

from mnist_runtime import Artifact, Classifier
from mnist_tools.stress.model_files import LEVELS, damaged, examine

ROOT = Path(__file__).parents[3]
RUNS = [
    pytest.param(level, backend, id=f"{level}-{backend}") for level, row in LEVELS.items() for backend in row.backends
]


@pytest.mark.parametrize(("level", "backend"), RUNS)
def test_every_kind_of_damage_is_refused_or_harmless(level: str, backend: str) -> None:
    count = 4 * len(LEVELS[level].kinds)
    seen, failures = examine(level, backend, 0, count)
    assert failures == []
    assert {kind for kind, _ in seen} == set(LEVELS[level].kinds)
    assert seen.total() == count
    checks = {check for _, check in seen}
    if LEVELS[level].may_answer:
        assert len(checks) > 1  # other checks than that of the digest; and some files are harmless
        assert "answers" in checks
        assert not checks & {"no digest", "digest differs"}
    else:
        assert checks == {"no digest", "digest differs"}


def test_a_file_that_answers_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_tools.stress.model_files.mutated", lambda _random, _kind, content, _other: content)
    _, failures = examine("file", "numpy", 0, 1)
    assert failures == ["file, numpy, number 0, bit flips: it answers"]


def test_another_error_than_the_right_one_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(content: bytes) -> Artifact:
        raise KeyError("manifest.json")

    monkeypatch.setattr(Artifact, "from_bytes", broken)
    _, failures = examine("file", "numpy", 0, 1)
    assert failures == ["file, numpy, number 0, bit flips: KeyError: 'manifest.json'"]


def test_a_warning_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def warns(*_: object, **__: object) -> None:
        import warnings

        warnings.warn("odd", RuntimeWarning, stacklevel=1)

    monkeypatch.setattr(Classifier, "load", warns)
    _, failures = examine("file", "numpy", 0, 1)
    assert failures == ["file, numpy, number 0, bit flips: RuntimeWarning: odd"]


def test_damage_is_the_same_again_and_never_none() -> None:
    for level, row in LEVELS.items():
        for number in range(len(row.kinds)):
            kind, content = damaged(level, "numpy", 3, number)
            assert kind == row.kinds[number]
            assert (kind, content) == damaged(level, "numpy", 3, number)
            assert content != damaged(level, "numpy", 4, number)[1]


@pytest.mark.slow
def test_twenty_thousand_files_for_each_backend() -> None:
    done = subprocess.run([ROOT / "scripts/damage"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(": 20000 files, ") == len(RUNS)
    assert done.stdout.endswith("\n0 failures\n")
