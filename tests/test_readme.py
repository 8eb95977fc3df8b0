"""What the README tells a reader to type works as it stands there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_tools.release.results import exports_table
from mnist_trainer import READY_MODELS, model_path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
LINES = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
PYTHON = [text for kind, text in BLOCKS if kind == "python"]
COMMANDS = [line for line in LINES if line.startswith("mnist-")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, digits: object) -> Path:
    """A folder with what the README presumes: the example, the user's own model and digits, the exported file."""
    import numpy as np

    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(ROOT / "examples", folder / "examples")
    shutil.copy(model_path("cnn"), folder / "my-model.keras")
    np.savez(folder / "my-digits.npz", images=digits.test.images, labels=digits.test.labels)
    type_in("mnist-export --format tflite --quantize", folder)
    return folder


def type_in(line: str, folder: Path) -> str:
    """Run a line in `folder`. On the digits and briefly, where it names no data: the words are tested, not MNIST."""
    if not line.startswith(("mnist-runtime", "mnist-export inspect")) and "--data" not in line:
        line += " --data digits"
    if line.startswith("mnist-train"):
        line += " --epochs 1"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        line, shell=True, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    # An untrained model is refused, as it must be; all else ends well.
    allowed = {0, 3} if "trained/" in line else {0}
    assert done.returncode in allowed, f"{line}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_works(place: Path, line: str) -> None:
    if "trained/" in line and not (place / "trained").exists():
        type_in(next(command for command in COMMANDS if command.startswith("mnist-train")), place)
    said = type_in(line, place)
    if "classify" in line:
        assert "7" in said


def test_the_python_works(place: Path) -> None:
    type_in("mnist-export --format tflite --quantize", place)  # the reader's own cnn may have replaced it by now
    for code, output in zip(PYTHON, ("7\n", "True uint8\n"), strict=True):
        done = subprocess.run([sys.executable, "-c", code], cwd=place, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, output), done.stderr


def test_the_scripts_it_names_are_there_and_commands_are_not_forgotten() -> None:
    for name in re.findall(r"scripts/\w[\w-]*", README):
        assert os.access(ROOT / name, os.X_OK), name
    assert {line.split()[0] for line in COMMANDS} == {"mnist-train", "mnist-evaluate", "mnist-export", "mnist-runtime"}


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_table_is_the_measurements() -> None:
    import json

    artifacts = json.loads((ROOT / "docs" / "results.json").read_text())
    page = (ROOT / "docs" / "results.md").read_text()
    assert exports_table(artifacts) in page
    assert exports_table([artifact for artifact in artifacts if artifact["model"] == "cnn"]) in README
    assert {artifact["model"] for artifact in artifacts} == set(READY_MODELS)


@pytest.mark.slow
def test_a_fresh_clone_gets_to_a_proven_file_twice(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    bare = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH", "MNIST_DIR")}
    for _ in range(2):
        done = subprocess.run(
            ["scripts/quickstart", "--data", "digits"], cwd=clone, env=bare, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == "exported/cnn-int8.tflite\n"
        command = done.stderr.splitlines()[-1].removeprefix("try it: ")
        said = subprocess.run(command, shell=True, cwd=clone, capture_output=True, text=True, check=True).stdout
        assert said.startswith("examples/seven.png: 7")
