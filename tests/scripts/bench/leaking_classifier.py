"""Run the memory check of ``scripts/tool bench soak`` on a classifier that leaks; see test_soak.py.

``python -m tests.scripts.bench.leaking_classifier BYTES COUNT`` leaks BYTES per call and classifies COUNT images.
"""

import sys
from pathlib import Path

import numpy as np

import mnist_runtime
from mnist_runtime import Artifact, Classifier
from mnist_tools.bench.soak import soak

READY = Path(mnist_runtime.__file__).parent / "models" / "cnn-int8.tflite"


class LeakingBackend:
    """A backend that keeps some bytes of each call."""

    output = None

    def __init__(self, size: int) -> None:
        self.size, self.kept = size, []

    def run(self, pixels: np.ndarray) -> np.ndarray:
        self.kept.append(b"x" * self.size)
        return np.zeros((len(pixels), 10), np.float32)


if __name__ == "__main__":
    size, count = map(int, sys.argv[1:])
    leaking = Classifier(Artifact.open(READY), [LeakingBackend(size)], "numpy")
    sys.exit(not soak(leaking, "numpy", count))
