"""The program that `doctor` runs: load and test one backend, and print the step that failed, as JSON."""

import json
import sys

from mnist_runtime.backends.registry import BACKENDS
from mnist_runtime.classifier import Classifier
from mnist_runtime.device.self_test import self_test
from mnist_runtime.errors import first_line


def probe(backend: str) -> dict[str, str]:
    """Return the failed ``step`` (``import``, ``load``, ``run``, or empty) and its ``detail``."""
    step = "import"
    try:
        __import__(BACKENDS[backend].module)
        step = "load"
        Classifier.load(backend=backend)
        step = "run"
        found = self_test(backend=backend)
    except BaseException as error:
        return {"step": step, "detail": f"{type(error).__name__}: {first_line(error)}"}
    if not found.passed:
        return {"step": step, "detail": "the answers are wrong"}
    return {"step": "", "detail": found.run_with}


if __name__ == "__main__":
    print(json.dumps(probe(sys.argv[1])))
