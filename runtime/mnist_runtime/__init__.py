"""Classify handwritten digits on a small device: NumPy, one interpreter, one file.

Examples
--------
>>> import numpy as np
>>> from mnist_runtime import Classifier
>>> classifier = Classifier.load()  # the ready model of the wheel
>>> classifier.predict(np.zeros((2, 28, 28), np.uint8)).shape
(2,)
"""

from mnist_runtime.artifact.container import Artifact, Golden
from mnist_runtime.artifact.manifest import Manifest
from mnist_runtime.backends.base import Backend
from mnist_runtime.backends.quantization import QuantParams
from mnist_runtime.backends.registry import BACKENDS
from mnist_runtime.classifier import Classifier
from mnist_runtime.device.self_test import SelfTest, self_test
from mnist_runtime.errors import (
    ArtifactError,
    BackendError,
    BlankError,
    MissingPackageError,
    ModelError,
    OutputError,
    PictureError,
    ToolkitError,
    UnsealedError,
    UsageError,
)
from mnist_runtime.prediction import Prediction
from mnist_runtime.preprocess.prepare import prepare

__version__ = "0.1.0"

__all__ = [
    "BACKENDS",
    "Artifact",
    "ArtifactError",
    "Backend",
    "BackendError",
    "BlankError",
    "Classifier",
    "Golden",
    "Manifest",
    "MissingPackageError",
    "ModelError",
    "OutputError",
    "PictureError",
    "Prediction",
    "QuantParams",
    "SelfTest",
    "ToolkitError",
    "UnsealedError",
    "UsageError",
    "prepare",
    "self_test",
]
