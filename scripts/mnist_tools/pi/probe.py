"""Classify images with one backend. Runs on the host and, as a single file without this package, in guests.

``probe.py BACKEND IMAGES.npy SCORES.npz [FILE ...]`` classifies with the ready model and with each FILE, writes the
scores under the names of the precisions, and prints the versions as JSON.
"""

from __future__ import annotations

import json
import platform
import sys

import numpy as np

from mnist_runtime import Classifier
from mnist_runtime.backends.registry import backend_version


def main(backend: str, images: str, scores: str, *files: str) -> None:
    """Write the scores 0..1 and print the versions of the software."""
    pixels = np.load(images)
    found = {}
    for file in (None, *files):
        classifier = Classifier.load(file, backend=backend)
        found[classifier.manifest.precision] = classifier.predict_proba(pixels)
    np.savez(scores, **found)
    python, machine = platform.python_version(), platform.machine()
    versions = {"backend": backend_version(backend), "python": python, "numpy": np.__version__, "machine": machine}
    print(json.dumps(versions))


if __name__ == "__main__":
    main(*sys.argv[1:])
