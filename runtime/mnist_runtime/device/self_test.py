"""`self_test`: run a file's golden images on this device and compare the scores with the recorded ones."""

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
"""Precision -> largest allowed difference of a score, 0..1, between kernels.

Measured with tflite-runtime 2.14 against LiteRT 2.3, ready models, 1,500 digits: float 2e-6, dynamic 4e-4, int8 13/256,
int4 10/256 and int16x8 16/32768 (kernels round differently before the softmax); no digit differed. float16 allows for
devices that compute in float16.
"""

RECORDED = ("backend", "version", "machine")


@dataclass(frozen=True)
class SelfTest:
    """Result of a self-test.

    Parameters
    ----------
    images : int
        Golden images in the file.
    different : int
        Number with another answer than recorded. One whose recorded score is within `bound` of the best is the same:
        patterns may lie between two classes.
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
