"""Parameters for tests that run with every backend of the runtime. It needs nothing of the workshop."""

import sys

import pytest

from mnist_runtime import BACKENDS

EVERY_BACKEND = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            name == "tflite-runtime" and sys.version_info >= (3, 12), reason="it has no wheel above Python 3.11"
        ),
    )
    for name in BACKENDS
]
"""The names of `BACKENDS`; those that cannot be installed on this Python are skipped."""
