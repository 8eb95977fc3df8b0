"""Trainer and exporters are imported without heavy libraries, and every command has help."""

import json
from collections.abc import Callable

import pytest

from mnist_runtime import __version__

HEAVY = {"tensorflow", "keras", "onnx", "tf2onnx", "click", "rich", "sklearn", "scipy", "PIL"}
INTERPRETERS = {"ai_edge_litert", "tflite_runtime", "onnxruntime"}
LIST_MODULES = "import sys, json; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"


@pytest.mark.parametrize("package", ["mnist_trainer", "mnist_exporters"])
@pytest.mark.parametrize(("module", "allowed"), [("", set()), (".cli.main", {"click"})])
def test_import_loads_no_heavy_library(run: Callable[..., object], package: str, module: str, allowed: set) -> None:
    done = run("python", "-c", f"import {package}{module}; {LIST_MODULES}")
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout.splitlines()[-1])) & (HEAVY | INTERPRETERS) <= allowed


COMMANDS = [
    "mnist-train",
    "mnist-train sweep",
    "mnist-evaluate",
    "mnist-export",
    "mnist-export verify",
    "mnist-export inspect",
    "mnist-export seal",
    "mnist-export sign",
    "mnist-runtime",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples_and_exit_codes(run: Callable[..., object], command: str) -> None:
    program, *words = command.split()
    helped = run(program, *words, "--help", COLUMNS="200")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "examples:" in helped.stdout.lower()
    assert "exit codes:" in helped.stdout.lower()
    if program != "mnist-runtime":
        assert max(map(len, helped.stdout.splitlines())) <= 80


@pytest.mark.parametrize("command", ["mnist-train", "mnist-evaluate", "mnist-export", "mnist-runtime"])
def test_version_is_printed(run: Callable[..., object], command: str) -> None:
    assert run(command, "--version").stdout.strip() == f"{command} {__version__}"
