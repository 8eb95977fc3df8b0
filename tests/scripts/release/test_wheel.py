"""The environments of ``scripts/tool release wheel`` cover what runtime/pyproject.toml claims."""

import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from mnist_runtime import BACKENDS, UsageError
from mnist_tools.checkout import ROOT, environment, tool
from mnist_tools.release.wheel import (
    COPIED_FILES,
    MOST_BYTES,
    NEWEST,
    OLDEST,
    ROWS,
    RUNTIME,
    Row,
    backends_of,
    claims,
    main,
    pins_of,
)

PROJECT = tomllib.loads((RUNTIME / "pyproject.toml").read_text())["project"]
EXTRAS = {None, *(row.extra for row in BACKENDS.values())}


def test_the_oldest_python_is_the_claimed_one() -> None:
    claimed = SpecifierSet(PROJECT["requires-python"])
    pythons = {row.python for row in ROWS.values()}
    oldest = min(pythons, key=lambda python: int(python.split(".")[1]))
    major, minor = map(int, oldest.split("."))
    assert claimed.contains(oldest)
    assert not claimed.contains(f"{major}.{minor - 1}")
    assert all(claimed.contains(python) for python in pythons)
    assert {row.extra for row in ROWS.values() if (row.python, row.pins) == (oldest, OLDEST)} == EXTRAS


def test_every_interpreter_is_tested_in_its_newest_version() -> None:
    assert {row.extra for row in ROWS.values() if row.pins == NEWEST} == EXTRAS
    worked = {name for row in ROWS.values() if row.pins == NEWEST for name in backends_of(row)}
    assert worked == set(BACKENDS)


@pytest.mark.parametrize("extra", sorted(filter(None, EXTRAS)))
def test_the_oldest_row_installs_the_claimed_lower_bounds(extra: str) -> None:
    row = Row("3.10", extra, OLDEST)
    pinned = dict(pin.split("==") for pin in pins_of(row))
    assert set(pinned) == {each.name for each in claims(extra, "3.10")}
    for requirement in claims(extra, "3.10"):
        assert requirement.specifier.contains(pinned[requirement.name])
    assert {"numpy", "pillow"} < set(pinned)


def test_exact_versions_are_within_the_claims() -> None:
    for row in ROWS.values():
        for pin in pins_of(row):
            name, version = pin.split("==")
            assert all(each.specifier.contains(version) for each in claims(row.extra, row.python) if each.name == name)


@pytest.mark.parametrize("name", COPIED_FILES)
def test_the_copied_files_exist(name: str) -> None:
    assert (ROOT / name).exists()


def test_an_unknown_row_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match=r"Unknown row: python2\. The rows are oldest, "):
        main(["python2"])


def test_a_wheel_that_is_too_large_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(folder: Path) -> Path:
        wheel = folder / "large.whl"
        wheel.write_bytes(bytes(MOST_BYTES + 1))
        return wheel

    monkeypatch.setattr("mnist_tools.release.wheel.build", build)
    monkeypatch.setattr("mnist_tools.release.wheel.ROWS", {})
    assert main([]) == 1


@pytest.mark.slow
def test_the_wheel_passes_its_tests_in_every_environment() -> None:
    done = subprocess.run(tool("release wheel"), env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(" passed in ") > len(ROWS) // 2
