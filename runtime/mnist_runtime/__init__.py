"""Classify handwritten digits on a small device: NumPy, one interpreter, one file.

Examples
--------
>>> import numpy as np
>>> from mnist_runtime import Classifier
>>> classifier = Classifier.load()  # the ready model of the wheel
>>> classifier.predict(np.zeros((2, 28, 28), np.uint8)).shape
(2,)
"""

from mnist_runtime.affine import Affine
from mnist_runtime.artifact import Artifact, Golden
from mnist_runtime.backend import BACKENDS, Backend
from mnist_runtime.classifier import Classification, Classifier
from mnist_runtime.errors import (
    ArtifactError,
    BackendError,
    PictureError,
    RuntimePackageError,
    ToolkitError,
    UnsealedError,
    UsageError,
)
from mnist_runtime.manifest import Manifest
from mnist_runtime.preparation import prepare
from mnist_runtime.self_test import SelfTest, self_test

__version__ = "0.1.0"

__all__ = [
    "BACKENDS",
    "Affine",
    "Artifact",
    "ArtifactError",
    "Backend",
    "BackendError",
    "Classification",
    "Classifier",
    "Golden",
    "Manifest",
    "PictureError",
    "RuntimePackageError",
    "SelfTest",
    "ToolkitError",
    "UnsealedError",
    "UsageError",
    "prepare",
    "self_test",
]
