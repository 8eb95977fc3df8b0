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
from mnist_runtime.classifier import Classifier
from mnist_runtime.errors import (
    ArtifactError,
    BackendError,
    BlankError,
    PictureError,
    RuntimePackageError,
    ToolkitError,
    UnsealedError,
    UsageError,
)
from mnist_runtime.manifest import Manifest
from mnist_runtime.prediction import Prediction
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
    "BlankError",
    "Classifier",
    "Golden",
    "Manifest",
    "PictureError",
    "Prediction",
    "RuntimePackageError",
    "SelfTest",
    "ToolkitError",
    "UnsealedError",
    "UsageError",
    "prepare",
    "self_test",
]
