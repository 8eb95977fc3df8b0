"""Ask a backend about images and keep its scores; check.py runs this on the host and, as a file of its own, in guests.

Usage: probe.py BACKEND IMAGES.npy SCORES.npz [FILE]...

The ready model is asked and each FILE; the scores are kept by precision. It prints the versions as one JSON object.
"""

import json
import platform
import sys

import numpy as np

from mnist_runtime import Classifier
from mnist_runtime.backends.registry import backend_version


def main(backend: str, images: str, scores: str, *files: str) -> None:
    """Write the scores, 0..1, and print which versions gave them."""
    given = np.load(images)
    found = {}
    for file in (None, *files):
        classifier = Classifier.load(file, backend=backend)
        found[classifier.manifest.precision] = classifier.predict_proba(given)
    np.savez(scores, **found)
    python, machine = platform.python_version(), platform.machine()
    versions = {"backend": backend_version(backend), "python": python, "numpy": np.__version__, "machine": machine}
    print(json.dumps(versions))


if __name__ == "__main__":
    main(*sys.argv[1:])
