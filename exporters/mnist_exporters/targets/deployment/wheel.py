"""`runtime_wheel`: build the wheel of mnist-runtime from the package that is installed here."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import mnist_runtime
from mnist_exporters.errors import MissingPackageError, missing_packages
from mnist_runtime.errors import first_line

__all__ = ["runtime_wheel"]

PACKAGE = Path(mnist_runtime.__file__).parent
PROJECT = ("pyproject.toml", "LICENSE")
BUILD = "import sys, hatchling.build; print(hatchling.build.build_wheel(sys.argv[1]))"


def runtime_wheel(folder: Path) -> Path:
    """Build the wheel in `folder` and return its path. The same package gives the same bytes; no network is needed.

    Raises
    ------
    MissingPackageError
        If hatchling or the project files of mnist-runtime are missing.
    """
    with tempfile.TemporaryDirectory() as name:
        source = Path(name)
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(PACKAGE, source / PACKAGE.name, ignore=ignored)
        for file in PROJECT:
            shutil.copy(_project_file(file), source)
        words = [sys.executable, "-c", BUILD, str(folder.absolute())]
        done = subprocess.run(words, cwd=source, capture_output=True, text=True, check=False)
    if done.returncode:
        last = first_line(done.stderr.strip().rpartition("\n")[2])
        raise missing_packages(f"The wheel of mnist-runtime cannot be built ({last}). It", {"hatchling": None})
    return folder / done.stdout.split()[-1]


def _project_file(name: str) -> Path:
    """Return the path of a project file of mnist-runtime: in a clone of the repository, else among the data files."""
    places = (PACKAGE.parent, Path(sysconfig.get_path("data"), "share", "mnist-edge-export", "runtime"))
    for place in places:
        if (place / name).is_file():
            return place / name
    raise MissingPackageError(f"{name} of mnist-runtime is not installed. Install mnist-edge-export again.")
