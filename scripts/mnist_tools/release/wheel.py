"""Test the installed device wheel on every Python, NumPy and interpreter that it supports.

Each row of `ROWS` is a clean environment, in which the tests of the runtime run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from mnist_runtime import BACKENDS, UsageError
from mnist_tools.checkout import ROOT, ToolError

__all__ = [
    "COPIED_FILES",
    "MOST_BYTES",
    "NEWEST",
    "OLDEST",
    "ROWS",
    "RUNTIME",
    "Row",
    "backends_of",
    "claims",
    "copy_tests",
    "main",
    "pins_of",
]

RUNTIME = ROOT / "runtime"
MOST_BYTES = 280_000
"""Largest size of the wheel with its models, in bytes."""

OLDEST = "oldest"
"""Install the lower bounds of runtime/pyproject.toml."""
NEWEST = "newest"
"""Install the newest versions."""


@dataclass(frozen=True)
class Row:
    """One environment, as a row of `ROWS`.

    Parameters
    ----------
    python : str
        Version, such as ``"3.11"``.
    extra : str or None
        Extra of mnist-runtime that installs the interpreter; None for NumPy alone.
    pins : str or tuple of str
        `OLDEST`, `NEWEST` or exact requirements.
    """

    python: str
    extra: str | None
    pins: str | tuple[str, ...]


DEBIAN_12 = ("numpy==1.24.2", "pillow==9.4.0")
DEBIAN_13 = ("numpy==2.2.4", "pillow==11.1.0")
"""Versions of the Debian packages in Raspberry Pi OS 12 and 13."""

SYSTEMS: dict[str, tuple[int, str | tuple[str, ...]]] = {
    "oldest": (10, OLDEST),
    "debian12": (11, DEBIAN_12),
    "debian13": (13, DEBIAN_13),
    "newest": (13, NEWEST),
    "next": (14, NEWEST),
}
"""Name -> minor version of Python 3, and versions of the packages."""


def _rows() -> dict[str, Row]:
    """Return each system without an interpreter and with each interpreter that has a wheel for it."""
    rows = {}
    for system, (minor, pins) in SYSTEMS.items():
        rows[system] = Row(f"3.{minor}", None, pins)
        for backend in BACKENDS.values():
            newest = backend.newest_python[1]
            if backend.extra and (minor <= newest or system == "newest"):
                rows[f"{system}-{backend.extra}"] = Row(f"3.{min(minor, newest)}", backend.extra, pins)
            if backend.extra and newest < SYSTEMS["newest"][0]:
                # The extra must install another interpreter where its own has no wheel.
                rows[f"{backend.extra}-without-a-wheel"] = Row(f"3.{newest + 1}", backend.extra, NEWEST)
    return rows


ROWS = _rows()
"""Name -> environment."""

COPIED_FILES = (
    "docs/results/data/fuzzing.json",
    "docs/results/fuzzing.md",
    "runtime/README.md",
    "runtime/pyproject.toml",
    "scripts/mnist_tools/__init__.py",
    "scripts/mnist_tools/checkout.py",
    "scripts/mnist_tools/memory.py",
    "scripts/mnist_tools/rendering",
    "scripts/mnist_tools/stress",
    "scripts/mnist_tools/studies",
    "tests/conftest.py",
    "tests/runtime",
    "tests/scripts/stress",
    "tests/shared/backend_cases.py",
    "tests/shared/fixtures.py",
    "tests/shared/tflite_graphs.py",
)
"""Files and folders that are copied beside the environment: the tests of the runtime and what they import."""

SETTINGS = """[pytest]
addopts = --strict-markers --import-mode=importlib -m "not slow" -p no:cacheprovider
filterwarnings = error
pythonpath = . scripts
markers =
  long: takes a second or more
  slow: not in every environment
"""


def claims(extra: str | None, python: str) -> list[Requirement]:
    """Return the requirements of runtime/pyproject.toml for a version of Python and an extra, with Pillow."""
    project = tomllib.loads((RUNTIME / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["images"], *(extras[extra] if extra else ())]
    found = [Requirement(text) for text in wanted]
    environment = {"python_version": python}
    return [each for each in found if each.marker is None or each.marker.evaluate(environment)]


def pins_of(row: Row) -> list[str]:
    """Return the exact requirements of a row."""
    if row.pins == NEWEST:
        return []
    if row.pins != OLDEST:
        return list(row.pins)
    bounds = [(each.name, bound) for each in claims(row.extra, row.python) for bound in each.specifier]
    return [f"{name}=={bound.version}" for name, bound in bounds if bound.operator in (">=", "==")]


def backends_of(row: Row) -> set[str]:
    """Return the backends that must work in the environment."""
    names = {each.name for each in claims(row.extra, row.python)}
    return {name for name, backend in BACKENDS.items() if backend.package in names}


def find_python(version: str) -> Path | None:
    """Return a Python of `version` from pyenv or the path, or None."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    on_path = shutil.which(f"python{version}")
    for python in [*sorted(root.glob(f"versions/{version}.*/bin/python")), *([Path(on_path)] if on_path else [])]:
        if subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0:
            return python
    return None


def build(folder: Path) -> Path:
    """Build the wheel in `folder` and return its path."""
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(RUNTIME)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def call(*command: object, folder: Path) -> str:
    """Run a command in `folder`, without this Python's environment variables, and return what it prints.

    Raises
    ------
    ToolError
        If the command fails.
    """
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "VIRTUAL_ENV"))
    }
    done = subprocess.run(list(map(str, command)), cwd=folder, env=kept, capture_output=True, text=True, check=False)
    if done.returncode:
        line = " ".join(map(str, command))
        raise ToolError(f"`{line}` failed with exit code {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def copy_tests(folder: Path) -> None:
    """Copy the tests of the runtime, with their settings, to `folder`."""
    for name in COPIED_FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    (folder / "pytest.ini").write_text(SETTINGS)


def test(row: Row, python: Path, wheel: Path, folder: Path) -> str:
    """Create the environment, run the tests in it, and return a summary.

    Raises
    ------
    ToolError
        If a test fails, the wrong backends work, or another copy of the runtime is imported.
    """
    call(python, "-m", "venv", folder / "venv", folder=folder)
    inside = folder / "venv" / "bin" / "python"
    extras = ",".join(filter(None, ("images", row.extra)))
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    call(inside, *install, f"{wheel}[{extras}]", *pins_of(row), "pytest", "hypothesis", folder=folder)
    copy_tests(folder)
    place = call(inside, "-c", "import mnist_runtime; print(mnist_runtime.__file__)", folder=folder)
    if not Path(place).is_relative_to(folder / "venv"):
        raise ToolError(f"The installed wheel is not imported, but {place}.")
    diagnosis = json.loads(call(inside.with_name("mnist-runtime"), "doctor", "--json", folder=folder))
    works = {each["backend"]: each["detail"] for each in diagnosis["backends"] if each["state"] == "works"}
    if set(works) != backends_of(row):
        raise ToolError(f"{sorted(backends_of(row))} should work, but the doctor reports {diagnosis['backends']}.")
    passed = call(inside, "-m", "pytest", "--quiet", "tests", folder=folder).strip().splitlines()[-1]
    versions = call(inside, "-m", "pip", "list", "--format=freeze", folder=folder).split()
    shown = [each for each in versions if each.startswith(("numpy==", "pillow==", "Pillow==", *packages(row)))]
    return f"Python {diagnosis['python']}, {', '.join(shown)}: {passed}"


def packages(row: Row) -> tuple[str, ...]:
    """Return how `pip list` spells the interpreters of a row."""
    names = [BACKENDS[name].package for name in backends_of(row)]
    return tuple(f"{spelled}==" for name in names for spelled in (name, name.replace("-", "_")))


def main(argv: Sequence[str] | None = None) -> int:
    """Test the named rows, or all; print one line each and return 1 if one failed."""
    parser = argparse.ArgumentParser(prog="scripts/tool release wheel", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"{', '.join(ROWS)} (default: all)")
    names = parser.parse_args(argv).rows
    if unknown := set(names) - set(ROWS):
        raise UsageError(f"Unknown row: {', '.join(sorted(unknown))}. The rows are {', '.join(ROWS)}.")
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        wheel = build(Path(folder))
        size = wheel.stat().st_size
        print(f"{wheel.name}: {size:,} bytes, of at most {MOST_BYTES:,}", flush=True)
        failed |= size > MOST_BYTES
        for name in names or ROWS:
            started = time.monotonic()
            python = find_python(ROWS[name].python)
            if python is None:
                print(f"{name:24}NOT RUN: Python {ROWS[name].python} is not installed", flush=True)
                continue
            with tempfile.TemporaryDirectory() as place:
                try:
                    result = test(ROWS[name], python, wheel, Path(place).resolve())
                except ToolError as error:
                    result, failed = f"FAILED: {error}", True
            print(f"{name:24}{result} ({time.monotonic() - started:.0f} s)", flush=True)
    return int(failed)
