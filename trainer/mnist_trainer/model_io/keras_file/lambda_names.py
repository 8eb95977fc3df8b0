"""Give the functions of Lambda layers from a trusted file the names that such functions use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.legacy import backend
from keras.src.utils import python_utils

from mnist_trainer.errors import ModelError

__all__ = ["lambda_names"]

NAMES: dict[str, Any] = {
    "K": backend,
    "keras": keras,
    "layers": keras.layers,
    "np": np,
    "numpy": np,
    "tensorflow": tf,
    "tf": tf,
}
"""Global names of a function that a file contains: what programs with Keras import."""


@contextmanager
def lambda_names() -> Iterator[None]:
    """Load functions with `NAMES` as their globals. A file stores the code of a function without its imports."""
    original = python_utils.func_load

    def func_load(code: Any, defaults: Any = None, closure: Any = None, globs: Any = None) -> Any:
        try:
            return original(code, defaults, closure, {**vars(python_utils), **NAMES} if globs is None else globs)
        except (EOFError, TypeError, ValueError) as error:
            raise ModelError(
                "The Lambda layer in the file was compiled by another version of Python. Where the model was made, "
                "call model.export('folder') (Keras 2: model.save('folder')) and give that folder."
            ) from error

    python_utils.func_load = func_load
    try:
        yield
    finally:
        python_utils.func_load = original
