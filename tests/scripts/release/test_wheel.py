"""The rows of scripts/test-wheel are what runtime/pyproject.toml claims, and the tests that travel can."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from mnist_runtime import BACKENDS
from mnist_tools.release.wheel import (
    MOST_BYTES,
    NEWEST,
    OLDEST,
    ROOT,
    ROWS,
    RUNTIME,
    TRAVELLERS,
    Row,
    backends_of,
    claims,
    main,
    pins_of,
)

PROJECT = tomllib.loads((RUNTIME / "pyproject.toml").read_text())["project"]
EXTRAS = {None, *(row.extra for row in BACKENDS.values())}


def test_the_oldest_python_is_the_one_that_is_claimed() -> None:
    claimed = SpecifierSet(PROJECT["requires-python"])
    pythons = {row.python for row in ROWS.values()}
    oldest = min(pythons, key=lambda python: int(python.split(".")[1]))
    major, minor = map(int, oldest.split("."))
    assert claimed.contains(oldest)
    assert not claimed.contains(f"{major}.{minor - 1}")
    assert all(claimed.contains(python) for python in pythons)
    assert {row.extra for row in ROWS.values() if (row.python, row.pins) == (oldest, OLDEST)} == EXTRAS


def test_every_interpreter_has_a_newest_row() -> None:
    assert {row.extra for row in ROWS.values() if row.pins == NEWEST} == EXTRAS
    worked = {name for row in ROWS.values() if row.pins == NEWEST for name in backends_of(row)}
    assert worked == set(BACKENDS)


@pytest.mark.parametrize("extra", sorted(filter(None, EXTRAS)))
def test_whatever_is_claimed_has_a_lower_bound_and_the_oldest_row_pins_it(extra: str) -> None:
    row = Row("3.10", extra, OLDEST)
    pinned = dict(pin.split("==") for pin in pins_of(row))
    assert set(pinned) == {each.name for each in claims(extra, "3.10")}
    for requirement in claims(extra, "3.10"):
        assert requirement.specifier.contains(pinned[requirement.name])
    assert {"numpy", "pillow"} < set(pinned)


def test_pins_are_within_what_is_claimed() -> None:
    for row in ROWS.values():
        for pin in pins_of(row):
            name, version = pin.split("==")
            assert all(each.specifier.contains(version) for each in claims(row.extra, row.python) if each.name == name)


def imports_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def fixtures_of(path: Path, *, asked_for: bool) -> set[str]:
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    if asked_for:
        return {argument.arg for function in functions for argument in function.args.args}
    return {function.name for function in functions if "fixture" in "".join(map(ast.unparse, function.decorator_list))}


OF_THE_WORKSHOP = fixtures_of(ROOT / "tests/conftest.py", asked_for=False)


@pytest.mark.parametrize("name", TRAVELLERS)
def test_what_travels_needs_nothing_of_the_workshop(name: str) -> None:
    carried = {"mnist_runtime", "numpy", "PIL", "pytest", "_pytest", "hypothesis"}
    modules = imports_of(ROOT / name)
    foreign = {module for module in modules if module.split(".")[0] not in {*sys.stdlib_module_names, *carried}}
    assert {f"{module.replace('.', '/')}.py" for module in foreign} <= set(TRAVELLERS)
    assert not fixtures_of(ROOT / name, asked_for=True) & OF_THE_WORKSHOP


def test_an_unknown_row_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["python2"]) == 2
    assert "expected rows among oldest, " in capsys.readouterr().err


def test_a_wheel_that_is_too_large_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def build(folder: Path) -> Path:
        wheel = folder / "large.whl"
        wheel.write_bytes(bytes(MOST_BYTES + 1))
        return wheel

    monkeypatch.setattr("mnist_tools.release.wheel.build", build)
    monkeypatch.setattr("mnist_tools.release.wheel.ROWS", {})
    assert main([]) == 1


@pytest.mark.slow
def test_the_wheel_passes_its_tests_wherever_it_claims_to() -> None:
    done = subprocess.run([ROOT / "scripts/test-wheel"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(" passed in ") > len(ROWS) // 2
