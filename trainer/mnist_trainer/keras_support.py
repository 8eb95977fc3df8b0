"""Import TensorFlow and Keras without their log messages, and with Keras's default settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mnist_runtime.errors import first_line
from mnist_runtime.system.process import quiet_stderr
from mnist_trainer.errors import UsageError

__all__ = ["default_settings", "import_tensorflow"]

LIMITS = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH", "KERAS_NNX_ENABLED")
"""Environment variables that would make Keras skip a part of the images, or use another library."""


def import_tensorflow() -> None:
    """Import TensorFlow and Keras without log messages, with TensorFlow as the backend of Keras.

    Only the TensorFlow backend can convert models to TFLite. The settings in the user's ``keras.json`` are ignored,
    unless the program has already imported Keras. TensorFlow's log level alone does not silence it, because its C++
    code writes to stderr before it reads that level.

    Raises
    ------
    UsageError
        If the program has imported Keras with another backend, or Keras cannot be imported with its settings file.
    """
    is_first = "keras" not in sys.modules
    if is_first:
        os.environ["KERAS_BACKEND"] = "tensorflow"
        for name in LIMITS:
            os.environ.pop(name, None)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with quiet_stderr():
        try:
            import keras
        except ValueError as error:
            raise UsageError(
                f"Keras cannot be imported ({first_line(error)}). Correct or delete the file keras.json in the folder "
                f"{os.environ.get('KERAS_HOME', '~/.keras')}."
            ) from error
        if keras.backend.backend() != "tensorflow":
            raise UsageError(
                f"Keras runs on {keras.backend.backend()} in this program, and only its TensorFlow backend can export. "
                "Set the variable KERAS_BACKEND=tensorflow before keras is imported."
            )
        import tensorflow as tf
    tf.get_logger().setLevel("ERROR")  # otherwise it warns about models that are traced for several batch sizes
    if is_first:
        _set()


@contextmanager
def default_settings() -> Iterator[None]:
    """Use Keras's default settings inside a ``with`` block, and restore those of the program at its end.

    The settings matter because layers without an explicit data type use them, and `keras.Model.predict` converts its
    input to ``floatx``.

    Examples
    --------
    >>> import keras
    >>> keras.config.set_dtype_policy("mixed_float16")
    >>> with default_settings():
    ...     keras.layers.Dense(1).compute_dtype
    'float32'
    >>> keras.config.dtype_policy().name
    'mixed_float16'
    >>> keras.config.set_dtype_policy("float32")
    """
    import keras

    config = keras.config
    policy, steps = config.dtype_policy(), config.max_steps_per_epoch()
    before = (config.floatx(), config.image_data_format(), config.epsilon(), policy, steps)
    _set()
    try:
        yield
    finally:
        _set(*before)


def _set(
    floatx: str = "float32",
    image_data_format: str = "channels_last",
    epsilon: float = 1e-7,
    dtype_policy: object = "float32",
    max_steps: int | None = None,
) -> None:
    """Change the global settings of Keras."""
    import keras

    keras.config.set_floatx(floatx)
    keras.config.set_image_data_format(image_data_format)
    keras.config.set_epsilon(epsilon)
    keras.config.set_dtype_policy(dtype_policy)
    keras.config.set_max_steps_per_epoch(max_steps)
