"""Every command, Python example, link and table of the README is correct."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.foreign_files import converted

from mnist_exporters import FORMATS, ExportSpec, Original
from mnist_exporters.formats.plugin import load_plugin
from mnist_tools.__main__ import GROUPS
from mnist_tools.checkout import ROOT
from mnist_tools.release.results import exports_table
from mnist_trainer import READY_MODELS, Splits, find_model, load_model

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
LINES = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
PYTHON = [text for kind, text in BLOCKS if kind == "python"]
COMMANDS = [line for line in LINES if line.startswith("mnist-")]


Here = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, digits: Splits, int8_tflite: Path) -> Path:
    """Create a folder with the files that the README assumes: the example, a model, digits, an exported file."""
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(ROOT / "examples", folder / "examples")
    shutil.copy(find_model("cnn").path, folder / "my-model.keras")
    np.savez(folder / "my-digits.npz", images=digits.test.images, labels=digits.test.labels)
    (folder / "exported").mkdir()
    shutil.copy(int8_tflite, folder / "exported")  # as the quick start makes it where there is no MNIST
    (folder / "made-elsewhere.tflite").write_bytes(converted(load_model("cnn")))
    network = Original.from_keras(load_model("cnn"), digits.test, pixel_range="0..1")
    (folder / "net.onnx").write_bytes(load_plugin("onnx").convert(network, ExportSpec("onnx", "float32"), None))
    return folder


@pytest.fixture
def type_in(folder: Path, here: Here, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Return a function that runs a command line in the folder and returns what it prints.

    Unless the line names data, it runs on scikit-learn's digits; training takes one epoch. The commands run in this
    process, which has already imported TensorFlow.
    """
    monkeypatch.chdir(folder)

    def type_in(line: str) -> str:
        program, *words = shlex.split(line)
        if program != "mnist-runtime" and words[0] != "inspect" and "--data" not in words:
            words += ["--data", "digits"]
        if program == "mnist-train":
            words += ["--epochs", "1"]
        done = here(program, *words)
        # A model trained for one epoch fails the accuracy check, which is correct.
        assert done.returncode in ({0, 3} if "trained/" in line else {0}), f"{line}\n{done.stderr}"
        return done.stdout

    return type_in


LONGER = [line for line in COMMANDS if any(words in line for words in ("--format all", "--format tflm", "--from cnn"))]


@pytest.mark.parametrize(
    "line", [pytest.param(line, marks=pytest.mark.slow if line in LONGER else ()) for line in COMMANDS]
)
def test_every_command_works(folder: Path, type_in: Callable[[str], str], line: str) -> None:
    if "trained/" in line and not (folder / "trained").exists():
        type_in(next(command for command in COMMANDS if command.startswith("mnist-train")))
    printed = type_in(line)
    if "classify" in line:
        assert "7" in printed


def test_the_python_examples_work(folder: Path) -> None:
    for code, output in zip(PYTHON, ("7\n", "True uint8\n"), strict=True):
        done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
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
    artifacts = json.loads((ROOT / "docs" / "results" / "data" / "exports.json").read_text())
    page = (ROOT / "docs" / "results" / "exports.md").read_text()
    assert exports_table(artifacts) in page
    assert exports_table([artifact for artifact in artifacts if artifact["model"] == "cnn"]) in README
    assert {artifact["model"] for artifact in artifacts} == set(READY_MODELS)
    assert {artifact["format"] for artifact in artifacts} == set(FORMATS)


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
