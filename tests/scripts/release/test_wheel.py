"""The environments of ``scripts/tool release wheel`` cover what runtime/pyproject.toml claims."""

import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

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
    copy_tests,
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


ABSENT = """
import sys
from importlib.machinery import PathFinder

class Present(PathFinder):
    @classmethod
    def find_spec(cls, name, *place):
        return None if name in {names} else super().find_spec(name, *place)

sys.meta_path[sys.meta_path.index(PathFinder)] = Present
"""
"""A plugin of pytest that hides packages."""
INSTALLED = {"numpy", "pillow", "pytest", "hypothesis"}
"""What each environment has, with what these need."""


def with_requirements(name: str) -> set[str]:
    """Return the names of a distribution and of all that it needs."""
    try:
        needed = [Requirement(text) for text in requires(name) or ()]
    except PackageNotFoundError:  # needed by another Python or system
        return set()
    plain = [each.name for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
    return {canonicalize_name(name)}.union(*map(with_requirements, plain))


@pytest.mark.long
def test_the_copied_tests_are_collected_where_only_numpy_and_pillow_are_installed(tmp_path: Path) -> None:
    copy_tests(tmp_path)
    present = set().union(*map(with_requirements, INSTALLED))
    hidden = {"mnist_exporters", "mnist_trainer"} | {
        module
        for module, names in packages_distributions().items()
        if not module.startswith(("mnist_", "tests")) and present.isdisjoint(map(canonicalize_name, names))
    }
    (tmp_path / "absent.py").write_text(ABSENT.format(names=hidden))
    options = ("--collect-only", "--quiet", "-p", "absent", "-p", "_hypothesis_pytestplugin", "tests")
    found = environment() | {"PYTHONPATH": str(tmp_path), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options], cwd=tmp_path, env=found, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "test_classifier.py::" in done.stdout


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
