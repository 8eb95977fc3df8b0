"""Define the usual global names, such as ``tf``, for functions of Lambda layers from a trusted file."""

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
"""Global name -> object, for functions from a file: the names that programs with Keras usually import."""


@contextmanager
def lambda_names() -> Iterator[None]:
    """Make `NAMES` the globals of functions that Keras loads in the ``with`` block.

    A file contains the code of a function, but not its imports.
    """
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
