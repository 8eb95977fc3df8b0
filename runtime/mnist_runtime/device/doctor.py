"""Try every backend in a separate process, so that a crash is reported instead of ending the program."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from mnist_runtime.backends.registry import BACKENDS
from mnist_runtime.classifier import Classifier
from mnist_runtime.device.self_test import self_test
from mnist_runtime.errors import first_line

__all__ = ["Diagnosis", "examine"]

# By path, because `-m` would import modules of the current folder instead of those that the probe needs.
PROBE = [sys.executable, str(Path(__file__))]

FOR_NUMPY_1 = "it was built for NumPy 1: pip install 'numpy<2'"
KNOWN_CAUSES = {
    "GLIBC": "the system's C library is too old for this build: use a newer system release",
    "_ARRAY_API": FOR_NUMPY_1,
    "built for NumPy 1": FOR_NUMPY_1,
    "numpy.core.multiarray": FOR_NUMPY_1,
    "wrong ELF class": "it was built for another word length than this Python's: install it with this Python's pip",
    "cannot open shared object": "a library that it needs is not installed",
    "answers are wrong": "its kernels do not suit this processor: install another release or interpreter",
}
"""Part of the error message -> cause and fix."""

TIME_LIMIT = 120
"""Seconds; the slowest Pi needs about ten."""


@dataclass(frozen=True)
class Diagnosis:
    """Result for one backend.

    Parameters
    ----------
    backend : str
        A row of `BACKENDS`.
    state : str
        ``"works"``, ``"missing"`` or ``"broken"``.
    detail : str
        Version and machine if it works, else the step that failed and its error.
    fix : str
        Advice; empty if it works.
    """

    backend: str
    state: str
    detail: str
    fix: str


def examine(backend: str) -> Diagnosis:
    """Import a row of `BACKENDS`, load the ready model and run its golden vectors, in a separate process.

    Examples
    --------
    >>> examine("onnxruntime").state
    'works'
    """
    row = BACKENDS[backend]
    fix = row.no_wheel_reason() or row.install_command
    if importlib.util.find_spec(row.module) is None:
        return Diagnosis(backend, "missing", "not installed", fix)
    if fix.startswith("pip"):
        fix += " --force-reinstall"  # without it, pip leaves an installed package as it is
    try:
        done = subprocess.run([*PROBE, backend], capture_output=True, text=True, timeout=TIME_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return Diagnosis(backend, "broken", f"no answer within {TIME_LIMIT} seconds", fix)
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        cause = "this processor lacks an instruction" if name == "SIGILL" else "it crashed"
        return Diagnosis(backend, "broken", f"{name}: {cause}", "install another release or interpreter")
    try:
        outcome = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        outcome = {"step": "run", "detail": f"it ended the process with code {done.returncode}"}
    if not outcome["step"]:
        return Diagnosis(backend, "works", outcome["detail"], "")
    messages = outcome["detail"] + done.stderr
    fix = next((known for words, known in KNOWN_CAUSES.items() if words in messages), fix)
    return Diagnosis(backend, "broken", f"{outcome['step']}: {outcome['detail']}", fix)


def _probe(backend: str) -> dict[str, str]:
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
    print(json.dumps(_probe(sys.argv[1])))
