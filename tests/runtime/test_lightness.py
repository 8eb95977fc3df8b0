import json
from collections.abc import Callable

import pytest

HEAVY = {"tensorflow", "keras", "onnx", "tf2onnx", "click", "rich", "sklearn", "scipy", "PIL"}
INTERPRETERS = {"ai_edge_litert", "tflite_runtime", "onnxruntime"}

LIST_MODULES = "import sys, json; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"


def modules_after(run: Callable[..., object], code: str) -> set[str]:
    done = run("python", "-c", f"{code}; {LIST_MODULES}")
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_runtime_brings_numpy_alone(run: Callable[..., object]) -> None:
    bare = modules_after(run, "import numpy")
    added = modules_after(run, "import mnist_runtime") - bare
    foreign = {name for name in added if not name.startswith("_")} - {"mnist_runtime"}
    import sys

    assert foreign <= sys.stdlib_module_names
    assert not added & (HEAVY | INTERPRETERS)


def test_classifying_brings_one_interpreter(run: Callable[..., object]) -> None:
    code = "import numpy as np, mnist_runtime as m; m.Classifier.load().predict(np.zeros((1, 28, 28), np.uint8))"
    loaded = modules_after(run, code)
    assert loaded & INTERPRETERS == {"ai_edge_litert"}
    assert not loaded & HEAVY


def test_classifying_with_numpy_brings_none(run: Callable[..., object]) -> None:
    loading = "m.Classifier.load(backend='numpy').predict(np.zeros((1, 28, 28), np.uint8))"
    assert not modules_after(run, f"import numpy as np, mnist_runtime as m; {loading}") & (HEAVY | INTERPRETERS)


@pytest.mark.parametrize(
    "module", ["mnist_trainer", "mnist_trainer.cli.main", "mnist_exporters", "mnist_exporters.cli.main"]
)
def test_the_workshop_waits_with_its_heavy_imports(run: Callable[..., object], module: str) -> None:
    assert not modules_after(run, f"import {module}") & (HEAVY | INTERPRETERS)


@pytest.mark.parametrize("command", ["mnist-train", "mnist-evaluate", "mnist-export", "mnist-runtime"])
def test_every_command_has_help_with_examples_and_a_version(run: Callable[..., object], command: str) -> None:
    helped = run(command, "--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "examples:" in helped.stdout
    assert "exit codes:" in helped.stdout
    assert run(command, "--version").stdout.strip() == f"{command} {version()}"


def version() -> str:
    import mnist_runtime

    return mnist_runtime.__version__
