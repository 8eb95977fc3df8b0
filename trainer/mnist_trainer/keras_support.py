"""Import TensorFlow and Keras without their log messages."""

from __future__ import annotations

import os

from mnist_runtime.system.stderr import quiet_stderr

__all__ = ["import_tensorflow"]


def import_tensorflow() -> None:
    """Import TensorFlow and Keras silently, with TensorFlow as the backend of Keras: only it converts to TFLite.

    TensorFlow writes to stderr from C++ before it reads its own log level, so the level alone is not enough.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with quiet_stderr():
        import keras  # noqa: F401
        import tensorflow as tf
    tf.get_logger().setLevel("ERROR")  # otherwise it warns that each model is traced for several batch sizes
