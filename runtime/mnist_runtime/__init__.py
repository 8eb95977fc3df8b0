"""Classify handwritten digits on a small device, with NumPy, one interpreter and one model file.

Examples
--------
>>> import numpy as np
>>> from mnist_runtime import Classifier
>>> classifier = Classifier.load()  # the ready model of the wheel
>>> classifier.predict(np.zeros((2, 28, 28), np.uint8)).shape
(2,)
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnist_runtime.artifact.container import Artifact, Golden
    from mnist_runtime.artifact.manifest import Manifest
    from mnist_runtime.artifact.signature import Signature, verify_signature
    from mnist_runtime.artifact.task import DIGITS, Task
    from mnist_runtime.backends.base import Backend, QuantParams
    from mnist_runtime.backends.registry import BACKENDS
    from mnist_runtime.classifier import Classifier
    from mnist_runtime.device.measure import Bench, bench
    from mnist_runtime.device.self_test import SelfTest, self_test
    from mnist_runtime.errors import (
        ArtifactError,
        BackendError,
        BlankError,
        MissingPackageError,
        ModelError,
        OutputError,
        PictureError,
        SignatureError,
        ToolkitError,
        UnsealedError,
        UsageError,
    )
    from mnist_runtime.prediction import Prediction
    from mnist_runtime.preprocess.prepare import prepare
    from mnist_runtime.reading.annotate import annotate
    from mnist_runtime.reading.doubtful import DoubtfulPictures
    from mnist_runtime.reading.page import read
    from mnist_runtime.reading.video import Frame
    from mnist_runtime.reading.watch import watch

__version__ = "1.0.0rc1"

# Otherwise onnxruntime 1.31 looks up a host of Microsoft and writes a device id into the home folder.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = [
    "BACKENDS",
    "DIGITS",
    "Artifact",
    "ArtifactError",
    "Backend",
    "BackendError",
    "Bench",
    "BlankError",
    "Classifier",
    "DoubtfulPictures",
    "Frame",
    "Golden",
    "Manifest",
    "MissingPackageError",
    "ModelError",
    "OutputError",
    "PictureError",
    "Prediction",
    "QuantParams",
    "SelfTest",
    "Signature",
    "SignatureError",
    "Task",
    "ToolkitError",
    "UnsealedError",
    "UsageError",
    "annotate",
    "bench",
    "prepare",
    "read",
    "self_test",
    "verify_signature",
    "watch",
]

MODULES = {
    "artifact.container": ("Artifact", "Golden"),
    "artifact.manifest": ("Manifest",),
    "artifact.signature": ("Signature", "verify_signature"),
    "artifact.task": ("DIGITS", "Task"),
    "backends.base": ("Backend", "QuantParams"),
    "backends.registry": ("BACKENDS",),
    "classifier": ("Classifier",),
    "device.measure": ("Bench", "bench"),
    "device.self_test": ("SelfTest", "self_test"),
    "prediction": ("Prediction",),
    "preprocess.prepare": ("prepare",),
    "reading.annotate": ("annotate",),
    "reading.doubtful": ("DoubtfulPictures",),
    "reading.page": ("read",),
    "reading.video": ("Frame",),
    "reading.watch": ("watch",),
}
"""Module -> its public names, imported when they are first used; the others are in ``errors``."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = next((module for module, names in MODULES.items() if name in names), "errors")
        module = importlib.import_module(f"{__name__}.{home}")
        return globals().setdefault(name, getattr(module, name))
