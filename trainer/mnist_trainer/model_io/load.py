"""Load a Keras model of digits or other small images: a ready one, or the user's file or folder."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_runtime.system.stderr import quiet_stderr
from mnist_trainer.data.records import recorded_task
from mnist_trainer.errors import ModelError
from mnist_trainer.keras_support import default_settings, import_tensorflow
from mnist_trainer.model_io.find import ModelFile, find_model
from mnist_trainer.model_io.input_shape import check_model

if TYPE_CHECKING:
    import keras

__all__ = ["load_model"]


def load_model(model: str | Path | ModelFile, *, trust: bool = False, task: Task | None = None) -> keras.Model:
    """Load a model. Code inside the file is not run.

    Parameters
    ----------
    model : str, Path or ModelFile
        Name of a ready model, or path of a ``.keras`` or legacy ``.h5`` file or of a SavedModel folder.
    trust : bool
        Whether Python code in the file (a Lambda layer) may run, and a graph may read and write files. Only for
        sources you trust.
    task : Task, optional
        The task of the data that it classifies, ``data.test.task``. Default: as recorded beside the file by
        ``mnist-train``, otherwise digits.

    Raises
    ------
    ModelError
        If the file is missing or damaged, contains weights only, needs code of its own (custom layers, Lambda), or is
        not a model of `task`.
    UsageError
        If `model` is neither a name nor a path.
    """
    path = (model if isinstance(model, ModelFile) else find_model(model)).path
    task = task or recorded_task(path) or DIGITS
    import_tensorflow()
    from mnist_trainer.model_io.keras_file.load import load_keras_file
    from mnist_trainer.model_io.saved_model.load import load_saved_model

    load = load_saved_model if path.is_dir() else load_keras_file
    with quiet_stderr(), default_settings(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras and TensorFlow warn about files of their older versions
        try:
            return check_model(load(path, trust=trust, task=task), task)
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from error.__cause__
