"""`examine`: try every backend in a process of its own, so that a crash becomes a line and not a dead program."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
from dataclasses import dataclass

from mnist_runtime.backends.registry import BACKENDS
from mnist_runtime.device.installation import WHEELS, how_to_install

__all__ = ["Diagnosis", "examine"]

PROBE = """
import sys
sys.path[:] = filter(None, sys.path)  # without the folder where we are, as -P does from Python 3.11 on
import json
name = sys.argv[1]
step = "import"
try:
    import mnist_runtime.backends.registry as backends
    __import__(backends.BACKENDS[name].module)
    step = "load"
    from mnist_runtime import Classifier
    from mnist_runtime import self_test
    Classifier.load(backend=name)
    step = "run"
    found = self_test(backend=name)
    outcome = {"step": "", "detail": found.run_with}
    if not found.passed:
        outcome = {"step": "run", "detail": "it answers wrongly"}
except BaseException as error:
    outcome = {"step": step, "detail": f"{type(error).__name__}: {first_line(error)}"}
print(json.dumps(outcome))
"""

KNOWN_CAUSES = {
    "GLIBC": "the system's C library is older than this build needs: use a newer system release",
    "_ARRAY_API": "it was built for NumPy 1: pip install 'numpy<2'",
    "built for NumPy 1": "it was built for NumPy 1: pip install 'numpy<2'",
    "numpy.core.multiarray": "it was built for NumPy 1: pip install 'numpy<2'",
    "wrong ELF class": "it was built for another word length than this Python's: install it with this Python's pip",
    "cannot open shared object": "a library that it needs is not installed",
    "answers wrongly": "its kernels do not suit this processor: install another release or interpreter",
}
"""Words in what went wrong -> what it means and what to do."""

TIME_LIMIT = 120
"""Seconds; the slowest Pi needs some ten to import an interpreter from its card."""


@dataclass(frozen=True)
class Diagnosis:
    """What came of one backend.

    Parameters
    ----------
    backend : str
        A row of `BACKENDS`.
    state : str
        ``"works"``, ``"missing"`` or ``"broken"``.
    detail : str
        The version and machine where it works, else the step that failed and what was said.
    cure : str
        What to do; empty where it works.
    """

    backend: str
    state: str
    detail: str
    cure: str


def examine(backend: str) -> Diagnosis:
    """Import `backend`, load the ready model with it and run the test vectors, in a process of its own.

    Parameters
    ----------
    backend : str
        A row of `BACKENDS`.

    Examples
    --------
    >>> examine("onnxruntime").state
    'works'
    """
    if importlib.util.find_spec(BACKENDS[backend].module) is None:
        return Diagnosis(backend, "missing", "not installed", _install(backend))
    command = [sys.executable, "-c", PROBE, backend]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return Diagnosis(backend, "broken", f"no answer within {TIME_LIMIT} seconds", _install(backend))
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        said = {"SIGILL": "an instruction that this processor lacks"}.get(name, "it crashed")
        return Diagnosis(backend, "broken", f"{name}: {said}", "install another release or interpreter")
    try:
        outcome = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        outcome = {"step": "run", "detail": f"it ended the process with code {done.returncode}"}
    if not outcome["step"]:
        return Diagnosis(backend, "works", outcome["detail"], "")
    everything = outcome["detail"] + done.stderr
    cure = next((cure for words, cure in KNOWN_CAUSES.items() if words in everything), _install(backend))
    return Diagnosis(backend, "broken", f"{outcome['step']}: {outcome['detail']}", cure)


def _install(backend: str) -> str:
    return how_to_install(backend) if backend in WHEELS else ""
