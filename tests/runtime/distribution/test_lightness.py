"""The modules that the runtime imports."""

import json
import sys
from collections.abc import Callable

import mnist_runtime
from mnist_runtime import BACKENDS, Classifier

HEAVY = {"tensorflow", "keras", "onnx", "tf2onnx", "click", "rich", "sklearn", "scipy", "PIL", "cv2"}
HEAVY |= {"paho", "starlette", "uvicorn"}
INTERPRETERS = {row.module for row in BACKENDS.values() if row.extra}

LIST_MODULES = "import sys, json; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"


def modules_after(run: Callable[..., object], code: str) -> set[str]:
    done = run("python", "-c", f"{code}; {LIST_MODULES}")
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_runtime_loads_only_numpy(run: Callable[..., object]) -> None:
    bare = modules_after(run, "import numpy")
    added = modules_after(run, "import mnist_runtime") - bare
    foreign = {name for name in added if not name.startswith("_")} - {"mnist_runtime"}
    assert foreign <= sys.stdlib_module_names
    assert not added & (HEAVY | INTERPRETERS)


def test_classifying_loads_one_interpreter(run: Callable[..., object]) -> None:
    code = "import numpy as np, mnist_runtime as m; m.Classifier.load().predict(np.zeros((1, 28, 28), np.uint8))"
    loaded = modules_after(run, code)
    assert loaded & INTERPRETERS == {BACKENDS[Classifier.load().backend_name].module} - {"numpy"}
    assert not loaded & HEAVY


def test_classifying_with_numpy_loads_none(run: Callable[..., object]) -> None:
    loading = "m.Classifier.load(backend='numpy').predict(np.zeros((1, 28, 28), np.uint8))"
    assert not modules_after(run, f"import numpy as np, mnist_runtime as m; {loading}") & (HEAVY | INTERPRETERS)


def test_every_public_name_can_be_imported() -> None:
    assert {"read", "watch", "annotate", "Frame"} <= set(mnist_runtime.__all__)
    for name in mnist_runtime.__all__:
        assert getattr(mnist_runtime, name) is not None
