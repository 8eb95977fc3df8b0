"""Every command, Python example, link and table of the README is correct."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mnist_tools.__main__ import GROUPS
from mnist_tools.checkout import ROOT
from mnist_tools.release.results import exports_table
from mnist_trainer import READY_MODELS, find_model

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
LINES = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
PYTHON = [text for kind, text in BLOCKS if kind == "python"]
COMMANDS = [line for line in LINES if line.startswith("mnist-")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, digits: object) -> Path:
    """Create a folder with the files that the README assumes: the example, a model, digits, an exported file."""
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(ROOT / "examples", folder / "examples")
    shutil.copy(find_model("cnn").path, folder / "my-model.keras")
    np.savez(folder / "my-digits.npz", images=digits.test.images, labels=digits.test.labels)
    type_in("mnist-export --format tflite --quantize", folder)
    return folder


def type_in(line: str, folder: Path) -> str:
    """Run a line in `folder` and return what it prints. Unless it names data, it runs on scikit-learn's digits."""
    if not line.startswith(("mnist-runtime", "mnist-export inspect")) and "--data" not in line:
        line += " --data digits"
    if line.startswith("mnist-train"):
        line += " --epochs 1"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        line, shell=True, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    # A model trained for one epoch fails the accuracy check, which is correct.
    allowed = {0, 3} if "trained/" in line else {0}
    assert done.returncode in allowed, f"{line}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_works(place: Path, line: str) -> None:
    if "trained/" in line and not (place / "trained").exists():
        type_in(next(command for command in COMMANDS if command.startswith("mnist-train")), place)
    printed = type_in(line, place)
    if "classify" in line:
        assert "7" in printed


def test_the_python_examples_work(place: Path) -> None:
    type_in("mnist-export --format tflite --quantize", place)  # another command may have replaced the file
    for code, output in zip(PYTHON, ("7\n", "True uint8\n"), strict=True):
        done = subprocess.run([sys.executable, "-c", code], cwd=place, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, output), done.stderr


def test_all_scripts_exist_and_every_command_is_shown() -> None:
    for name in re.findall(r"scripts/\w[\w-]*", README):
        assert os.access(ROOT / name, os.X_OK), name
    for group, name in re.findall(r"scripts/tool (\w+) ([\w-]+)", README):
        assert name in GROUPS[group].tools, name
    assert {line.split()[0] for line in COMMANDS} == {"mnist-train", "mnist-evaluate", "mnist-export", "mnist-runtime"}


def test_every_link_is_valid() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_tables_show_the_recorded_measurements() -> None:
    artifacts = json.loads((ROOT / "docs" / "results.json").read_text())
    page = (ROOT / "docs" / "results.md").read_text()
    assert exports_table(artifacts) in page
    assert exports_table([artifact for artifact in artifacts if artifact["model"] == "cnn"]) in README
    assert {artifact["model"] for artifact in artifacts} == set(READY_MODELS)


@pytest.mark.slow
def test_the_quick_start_works_twice_in_a_fresh_clone(tmp_path: Path) -> None:
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
        printed = subprocess.run(command, shell=True, cwd=clone, capture_output=True, text=True, check=True).stdout
        assert printed.startswith("examples/seven.png: 7")
