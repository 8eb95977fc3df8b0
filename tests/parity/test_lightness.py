"""The commands of the workshop start without their heavy libraries."""

import json
from collections.abc import Callable

import pytest

from mnist_runtime import __version__

HEAVY = {"tensorflow", "keras", "onnx", "tf2onnx", "click", "rich", "sklearn", "scipy", "PIL"}
INTERPRETERS = {"ai_edge_litert", "tflite_runtime", "onnxruntime"}
LIST_MODULES = "import sys, json; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"


@pytest.mark.parametrize(
    "module", ["mnist_trainer", "mnist_trainer.cli.main", "mnist_exporters", "mnist_exporters.cli.main"]
)
def test_an_import_loads_no_heavy_library(run: Callable[..., object], module: str) -> None:
    done = run("python", "-c", f"import {module}; {LIST_MODULES}")
    assert done.returncode == 0, done.stderr
    assert not set(json.loads(done.stdout.splitlines()[-1])) & (HEAVY | INTERPRETERS)


@pytest.mark.parametrize("command", ["mnist-train", "mnist-evaluate", "mnist-export", "mnist-runtime"])
def test_every_command_has_help_with_examples_and_a_version(run: Callable[..., object], command: str) -> None:
    helped = run(command, "--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "examples:" in helped.stdout
    assert "exit codes:" in helped.stdout
    assert run(command, "--version").stdout.strip() == f"{command} {__version__}"
