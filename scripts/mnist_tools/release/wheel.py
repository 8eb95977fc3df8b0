"""Test the installed device wheel on every Python, NumPy and interpreter that it claims; run by scripts/test-wheel.

Each row of `ROWS` is a clean environment. The tests that travel into it are `TRAVELLERS`: those of the runtime that
need nothing of the workshop.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from mnist_runtime import BACKENDS

ROOT = Path(__file__).parents[3]
RUNTIME = ROOT / "runtime"
MOST_BYTES = 150_000
"""Of the wheel, its models included."""

OLDEST = "oldest"
"""Pins everything to the lower bound that runtime/pyproject.toml claims for it."""
NEWEST = "newest"
"""Pins nothing: pip takes the newest that there is."""


@dataclass(frozen=True)
class Row:
    """One environment.

    Parameters
    ----------
    python : str
        Such as ``"3.11"``.
    extra : str or None
        The extra of mnist-runtime that brings the interpreter; None for NumPy alone.
    pins : str or tuple of str
        `OLDEST`, `NEWEST` or requirements of pip's.
    """

    python: str
    extra: str | None
    pins: str | tuple[str, ...]


DEBIAN_12 = ("numpy==1.24.2", "pillow==9.4.0")
DEBIAN_13 = ("numpy==2.2.4", "pillow==11.1.0")
"""What Raspberry Pi OS 12 and 13, which are Debian's, have as packages of their own."""

ROWS: dict[str, Row] = {
    "oldest": Row("3.10", None, OLDEST),
    "oldest-litert": Row("3.10", "litert", OLDEST),
    "oldest-tflite": Row("3.10", "tflite", OLDEST),
    "oldest-onnx": Row("3.10", "onnx", OLDEST),
    "debian12-litert": Row("3.11", "litert", DEBIAN_12),
    "debian12-tflite": Row("3.11", "tflite", DEBIAN_12),
    "debian12-onnx": Row("3.11", "onnx", DEBIAN_12),
    "newest-tflite": Row("3.11", "tflite", NEWEST),
    "tflite-without-a-wheel": Row("3.12", "tflite", NEWEST),
    "debian13-litert": Row("3.13", "litert", DEBIAN_13),
    "debian13-onnx": Row("3.13", "onnx", DEBIAN_13),
    "newest": Row("3.13", None, NEWEST),
    "newest-litert": Row("3.13", "litert", NEWEST),
    "newest-onnx": Row("3.13", "onnx", NEWEST),
    "next-litert": Row("3.14", "litert", NEWEST),
    "next-onnx": Row("3.14", "onnx", NEWEST),
}
"""Name -> environment. A new one is one row."""

TRAVELLERS = (
    "scripts/mnist_tools/stress/model_files.py",
    "scripts/mnist_tools/stress/pictures.py",
    "scripts/mnist_tools/stress/hostile_pictures.py",
    "scripts/mnist_tools/stress/mutations.py",
    "tests/fixtures.py",
    "tests/runtime/backends/test_quantization.py",
    "tests/runtime/system/test_command.py",
    "tests/runtime/backends/test_every_interpreter.py",
    "tests/runtime/backends/numpy_int8/test_fixed_point.py",
    "tests/runtime/artifact/test_hostile_archive.py",
    "tests/runtime/artifact/test_manifest.py",
    "tests/runtime/system/test_stderr.py",
    "tests/runtime/preprocess/test_decode.py",
    "tests/runtime/preprocess/test_pixels.py",
    "tests/runtime/test_prediction.py",
    "tests/scripts/stress/test_model_files.py",
    "tests/scripts/stress/test_pictures.py",
)
"""Files, from the root of the repository, that are copied beside the environment."""

SETTINGS = """[pytest]
addopts = --strict-markers --import-mode=importlib -m "not slow" -p tests.fixtures -p no:cacheprovider
filterwarnings = error
pythonpath = .
markers = slow: not in every environment
"""


def claims(extra: str | None, python: str) -> list[Requirement]:
    """Return what runtime/pyproject.toml requires on a Python, with an extra and Pillow."""
    project = tomllib.loads((RUNTIME / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["images"], *(extras[extra] if extra else ())]
    found = [Requirement(text) for text in wanted]
    environment = {"python_version": python}
    return [each for each in found if each.marker is None or each.marker.evaluate(environment)]


def pins_of(row: Row) -> list[str]:
    """Return the exact versions that the row asks for."""
    if row.pins == NEWEST:
        return []
    if row.pins != OLDEST:
        return list(row.pins)
    bounds = [(each.name, bound) for each in claims(row.extra, row.python) for bound in each.specifier]
    return [f"{name}=={bound.version}" for name, bound in bounds if bound.operator in (">=", "==")]


def backends_of(row: Row) -> set[str]:
    """Return which backends must work in the environment: NumPy, and whose package the extra names."""
    names = {each.name for each in claims(row.extra, row.python)}
    return {name for name, backend in BACKENDS.items() if backend.package in names}


def find_python(version: str) -> Path | None:
    """Return an interpreter of `version`, of pyenv or on the path, None where there is none that starts."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    on_path = shutil.which(f"python{version}")
    for python in [*sorted(root.glob(f"versions/{version}.*/bin/python")), *([Path(on_path)] if on_path else [])]:
        if subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0:
            return python
    return None


def build(folder: Path) -> Path:
    """Build the wheel into `folder`."""
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", folder, RUNTIME]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def call(*command: object, folder: Path) -> str:
    """Run a command in `folder`, without any of our own environment; return what it says, raise if it fails."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "VIRTUAL_ENV"))
    }
    done = subprocess.run(list(map(str, command)), cwd=folder, env=kept, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def test(row: Row, python: Path, wheel: Path, folder: Path) -> str:
    """Make the environment, run the tests in it, and say what was in it and how many passed.

    Raises
    ------
    RuntimeError
        If one fails, another backend works than must, or it is not the wheel that is tested.
    """
    call(python, "-m", "venv", folder / "venv", folder=folder)
    inside = folder / "venv" / "bin" / "python"
    extras = ",".join(filter(None, ("images", row.extra)))
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    call(inside, *install, f"{wheel}[{extras}]", *pins_of(row), "pytest", "hypothesis", folder=folder)
    for name in TRAVELLERS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "pytest.ini").write_text(SETTINGS)
    place = call(inside, "-c", "import mnist_runtime; print(mnist_runtime.__file__)", folder=folder)
    if not Path(place).is_relative_to(folder / "venv"):
        raise RuntimeError(f"expected the installed wheel to be tested, it would be {place}")
    diagnosis = json.loads(call(inside.with_name("mnist-runtime"), "doctor", "--json", folder=folder))
    works = {each["backend"]: each["detail"] for each in diagnosis["backends"] if each["state"] == "works"}
    if set(works) != backends_of(row):
        raise RuntimeError(f"expected {sorted(backends_of(row))} to work, found {diagnosis['backends']}")
    passed = call(inside, "-m", "pytest", "--quiet", "tests", folder=folder).strip().splitlines()[-1]
    versions = call(inside, "-m", "pip", "list", "--format=freeze", folder=folder).split()
    shown = [each for each in versions if each.startswith(("numpy==", "pillow==", "Pillow==", *packages(row)))]
    return f"Python {diagnosis['python']}, {', '.join(shown)}: {passed}"


def packages(row: Row) -> tuple[str, ...]:
    """Return how pip's list names the interpreters of a row."""
    names = [BACKENDS[name].package for name in backends_of(row)]
    return tuple(f"{spelled}==" for name in names for spelled in (name, name.replace("-", "_")))


def main(names: list[str]) -> int:
    """Test the named rows, or all; print a line each and return 1 if one failed."""
    if unknown := set(names) - set(ROWS):
        print(f"error: expected rows among {', '.join(ROWS)}, received {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
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
                print(f"{name:24}NOT RUN: there is no Python {ROWS[name].python} here", flush=True)
                continue
            with tempfile.TemporaryDirectory() as place:
                try:
                    result = test(ROWS[name], python, wheel, Path(place).resolve())
                except RuntimeError as error:
                    result, failed = f"FAILED: {error}", True
            print(f"{name:24}{result} ({time.monotonic() - started:.0f} s)", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
