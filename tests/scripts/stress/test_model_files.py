"""``scripts/tool stress model-files`` on few files: all are rejected or harmless, and each fault is reported."""

import subprocess
import warnings

import pytest
from tests.shared.backend_cases import EVERY_BACKEND

from mnist_runtime import Artifact, Classifier
from mnist_tools.checkout import environment, tool
from mnist_tools.stress.model_files import LEVELS, damaged, examine

RUNS = [
    pytest.param(level, backend.values[0], id=f"{level}-{backend.values[0]}", marks=backend.marks)
    for level, row in LEVELS.items()
    for backend in EVERY_BACKEND
    if backend.values[0] in row.backends
]


@pytest.mark.parametrize(("level", "backend"), RUNS)
def test_every_kind_of_corruption_is_rejected_or_harmless(level: str, backend: str) -> None:
    count = 4 * len(LEVELS[level].kinds)
    seen, failures = examine(level, backend, 0, count)
    assert failures == []
    assert {kind for kind, _ in seen} == set(LEVELS[level].kinds)
    assert seen.total() == count
    checks = {check for _, check in seen}
    if LEVELS[level].may_answer:
        assert len(checks) > 1  # some files are harmless, others fail checks beyond the digest
        assert "answers" in checks
        assert not checks & {"no digest", "digest differs"}
    else:
        assert checks == {"no digest", "digest differs"}


def test_an_accepted_file_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_tools.stress.model_files.mutated", lambda _random, _kind, content, _other: content)
    _, failures = examine("file", "numpy", 0, 1)
    assert failures == ["file, numpy, number 0, bit flips: accepted"]


def test_a_wrong_error_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(content: bytes) -> Artifact:
        raise KeyError("manifest.json")

    monkeypatch.setattr(Artifact, "from_bytes", broken)
    _, failures = examine("file", "numpy", 0, 1)
    assert failures == ["file, numpy, number 0, bit flips: KeyError: 'manifest.json'"]


def test_a_warning_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def warns(*_: object, **__: object) -> None:
        warnings.warn("odd", RuntimeWarning, stacklevel=1)

    monkeypatch.setattr(Classifier, "load", warns)
    _, failures = examine("file", "numpy", 0, 1)
    assert failures == ["file, numpy, number 0, bit flips: RuntimeWarning: odd"]


def test_corruptions_are_reproducible_and_change_the_file() -> None:
    for level, row in LEVELS.items():
        for number in range(len(row.kinds)):
            kind, content = damaged(level, "numpy", 3, number)
            assert kind == row.kinds[number]
            assert (kind, content) == damaged(level, "numpy", 3, number)
            assert content != damaged(level, "numpy", 4, number)[1]


@pytest.mark.slow
def test_twenty_thousand_files_for_each_backend() -> None:
    done = subprocess.run(tool("stress model-files"), env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(": 20000 files, ") == len(RUNS)
    assert done.stdout.endswith("\n0 failures\n")
