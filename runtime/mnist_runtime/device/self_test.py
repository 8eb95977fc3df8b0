"""Test a file, or every backend, on this device: run the golden images and compare the scores with the recorded ones.

Each backend is tried in a process of its own, so that a crash is reported instead of ending the program.
"""

from __future__ import annotations

import importlib.util
import json
import platform
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnist_runtime.backends.registry import BACKENDS, backend_version
from mnist_runtime.classifier import Classifier
from mnist_runtime.errors import ArtifactError, first_line

__all__ = ["SCORE_BOUNDS", "Diagnosis", "SelfTest", "examine", "self_test"]

SCORE_BOUNDS: dict[str, float] = {
    "float32": 1e-4,
    "float16": 1e-2,
    "dynamic": 2e-2,
    "int8": 16 / 256,
    "int4": 16 / 256,
    "int16x8": 32 / 32768,
}
"""Precision -> largest allowed difference of a score, 0..1, between interpreters or processors.

Measured with tflite-runtime 2.14 against LiteRT 2.3, ready models, 1,500 digits: float 2e-6, dynamic 4e-4, int8 13/256,
int4 10/256 and int16x8 16/32768 (kernels round differently before the softmax); no digit differed. float16 allows for
devices that compute in float16.
"""

RECORDED = ("backend", "version", "machine")

# By path: with `-m`, modules of the current folder would hide those that the probe needs.
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
class SelfTest:
    """Result of a self-test.

    Parameters
    ----------
    images : int
        Golden images in the file.
    different : int
        Number with another answer than recorded. An answer counts as the same if its recorded score is within `bound`
        of the best one, since a pattern may fit two classes.
    max_score_error : float
        Largest difference of a score, 0..1.
    bound : float
        Largest allowed `max_score_error`. Above 0, because other processors use other kernels.
    recorded_with, run_with : str
        Interpreter, version and machine of the golden scores and of this test.
    """

    images: int
    different: int
    max_score_error: float
    bound: float
    recorded_with: str
    run_with: str

    @property
    def passed(self) -> bool:
        """Whether every answer is the recorded one and every score within the bound."""
        return self.images > 0 and self.different == 0 and self.max_score_error <= self.bound


def self_test(
    path: str | Path | None = None, *, backend: str | None = None, trusted: str | Path | None = None
) -> SelfTest:
    """Run the golden images inside a file and compare the scores with the recorded ones.

    Parameters
    ----------
    path, backend, trusted
        See `Classifier.load`, which raises the same errors.

    Examples
    --------
    >>> self_test().passed
    True
    """
    classifier = Classifier.load(path, backend=backend, trusted=trusted)
    golden, recorded = classifier.golden, classifier.manifest.golden
    bound = SCORE_BOUNDS.get(classifier.manifest.precision)
    if bound is None or not set(RECORDED) <= recorded.keys() or len(golden.scores) != len(golden.images):
        raise ArtifactError(
            f"The file cannot be tested: it has precision {classifier.manifest.precision}, {len(golden.scores)} golden "
            f"scores and the record {', '.join(recorded) or 'nothing'}. Export it again, or update mnist-runtime."
        )
    answers = classifier.predict_proba(golden.images)
    expected = classifier.real_scores(golden.scores)
    expected_of_answers = expected[np.arange(len(expected)), answers.argmax(axis=1)]
    recorded_with = " ".join(recorded[key] for key in RECORDED)
    run_with = f"{classifier.backend_name} {backend_version(classifier.backend_name)} {platform.machine()}"
    return SelfTest(
        images=len(golden.images),
        different=int(np.sum(expected.max(axis=1) - expected_of_answers > bound)),
        max_score_error=float(np.abs(answers - expected).max(initial=0.0)),
        bound=bound,
        recorded_with=recorded_with,
        run_with=run_with,
    )


@dataclass(frozen=True)
class Diagnosis:
    """Result for one backend.

    Parameters
    ----------
    backend : str
        A key of `BACKENDS`.
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
    """Import a backend, load the ready model and run its golden vectors, in a separate process.

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
