"""`import_tensorflow`: for commands, which must not greet the user with TensorFlow's logs."""

from __future__ import annotations

import os

from mnist_runtime.system.stderr import quiet_stderr

__all__ = ["import_tensorflow"]


def import_tensorflow() -> None:
    """Import TensorFlow and Keras silently, with TensorFlow as Keras's backend: it alone converts to TFLite.

    TensorFlow writes to stderr from C++ before it has read its own log level, so the level is not enough.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with quiet_stderr():
        import keras  # noqa: F401
        import tensorflow  # noqa: F401
