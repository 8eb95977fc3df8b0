"""`self_test`: ask a file on this device what it was asked when it was proven, and compare the answers."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnist_runtime.backends.registry import backend_version
from mnist_runtime.classifier import Classifier
from mnist_runtime.errors import ArtifactError

__all__ = ["SCORE_BOUNDS", "SelfTest", "self_test"]

SCORE_BOUNDS: dict[str, float] = {
    "float32": 1e-4,
    "float16": 1e-2,
    "dynamic": 2e-2,
    "int8": 16 / 256,
    "int4": 16 / 256,
    "int16x8": 32 / 32768,
}
"""Largest difference of a score, 0..1, between other kernels and those that recorded it.

Measured with tflite-runtime 2.14 against LiteRT 2.3, ready models, 1,500 digits: float 2e-6, dynamic 4e-4, int8 13/256,
int4 10/256 and int16x8 16/32768 (kernels round differently before the softmax); no answer differed. float16 leaves
room for devices that compute in it.
"""

RECORDED = ("backend", "version", "machine")
"""What a manifest says of the interpreter that gave the golden scores."""


@dataclass(frozen=True)
class SelfTest:
    """What came out.

    Parameters
    ----------
    images : int
        Golden images in the file.
    different : int
        How many were answered differently.
    max_score_error : float
        Largest difference of a score, 0..1.
    bound : float
        What `max_score_error` must not exceed: the precision's entry in `SCORE_BOUNDS`. With the kernels that recorded
        the scores the error is 0; that cannot be demanded by name, since an interpreter of the same version takes
        other kernels on a processor with other instructions.
    recorded_with, run_with : str
        Interpreter, version and machine, then and now.
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


def self_test(path: str | Path | None = None, *, backend: str | None = None) -> SelfTest:
    """Run the golden vectors inside a file through the interpreter that is installed here.

    Parameters
    ----------
    path, backend
        As `Classifier.load` takes them.

    Raises
    ------
    ArtifactError, BackendError, UsageError
        As `Classifier.load` does.

    Examples
    --------
    >>> self_test().passed
    True
    """
    classifier = Classifier.load(path, backend=backend)
    golden, recorded = classifier.golden, classifier.manifest.golden
    bound = SCORE_BOUNDS.get(classifier.manifest.precision)
    if bound is None or not set(RECORDED) <= recorded.keys() or len(golden.scores) != len(golden.images):
        raise ArtifactError(
            f"Expected a proven file of a precision among {', '.join(SCORE_BOUNDS)}, received "
            f"{classifier.manifest.precision} with {len(golden.scores)} golden scores, recorded with "
            f"{', '.join(recorded) or 'nothing'}; export it again, or update mnist-runtime."
        )
    answers = classifier.predict_proba(golden.images)
    expected = classifier.real_scores(golden.scores)
    recorded_with = " ".join(recorded[key] for key in RECORDED)
    run_with = f"{classifier.backend_name} {backend_version(classifier.backend_name)} {platform.machine()}"
    return SelfTest(
        images=len(golden.images),
        different=int(np.sum(answers.argmax(axis=1) != expected.argmax(axis=1))),
        max_score_error=float(np.abs(answers - expected).max(initial=0.0)),
        bound=bound,
        recorded_with=recorded_with,
        run_with=run_with,
    )
