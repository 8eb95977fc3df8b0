"""Fixtures that need only NumPy and the runtime; the tests of the installed wheel use them too."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import mnist_runtime
from mnist_runtime import Artifact

if "PYTHONPATH" in os.environ:  # tests start processes in other folders
    os.environ["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, os.environ["PYTHONPATH"].split(os.pathsep)))

WITHOUT_INSTALLATION = "import sys; from mnist_runtime.cli.main import main; sys.argv[0] = 'mnist-runtime'; main()"


@pytest.fixture(scope="session")
def command_line() -> Callable[[str], list[str]]:
    """Return the words that start an installed command; ``mnist-runtime`` also runs from its source folder."""

    def words(program: str) -> list[str]:
        path = Path(sys.executable).with_name(program)
        if program == "mnist-runtime" and not path.exists():
            return [sys.executable, "-c", WITHOUT_INSTALLATION]
        return [str(path)]

    return words


@pytest.fixture(scope="session")
def run(command_line: Callable[[str], list[str]]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command, or Python, in a separate process; a given ``PYTHONPATH`` is put before the present one."""

    def run(program: str, *arguments: object, **environment: str | None) -> subprocess.CompletedProcess[str]:
        merged = {**os.environ, **environment}
        if "PYTHONPATH" in environment:
            merged["PYTHONPATH"] = os.pathsep.join(
                filter(None, [environment["PYTHONPATH"], os.environ.get("PYTHONPATH")])
            )
        return subprocess.run(
            [*command_line(program), *map(str, arguments)],
            env={key: value for key, value in merged.items() if value is not None},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def ready() -> dict[str, Path]:
    """Map each format to the ready int8 model file of the runtime."""
    folder = Path(mnist_runtime.__file__).parent / "models"
    return {path.suffix[1:]: path for path in sorted(folder.iterdir())}


@pytest.fixture(scope="session")
def golden(ready: dict[str, Path]) -> np.ndarray:
    """Ten real digits, one of each class: the golden images inside the ready models."""
    return Artifact.open(ready["tflite"]).golden.images


@pytest.fixture(scope="session")
def shifted(golden: np.ndarray) -> np.ndarray:
    """190 images: the golden images, shifted by up to nine pixels to the left or right."""
    return np.concatenate([np.roll(golden, shift, axis=2) for shift in range(-9, 10)])


@pytest.fixture
def seven() -> np.ndarray:
    """A seven, drawn black on white."""
    page = np.full((120, 90, 3), 250, np.uint8)
    page[20:30, 20:70] = 20
    for row in range(30, 100):
        column = 62 - (row - 30) * 30 // 70
        page[row, column : column + 9] = 20
    return page
