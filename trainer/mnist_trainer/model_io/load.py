"""Load a Keras model for digits or other small images: a ready model, or the user's file or folder."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_runtime.errors import raise_machine_failure
from mnist_runtime.system.process import quiet_stderr
from mnist_trainer.data.records import recorded_task
from mnist_trainer.errors import ModelError
from mnist_trainer.keras_support import default_settings, import_tensorflow
from mnist_trainer.model_io.find import ModelFile, find_model
from mnist_trainer.model_io.input_shape import check_model
from mnist_trainer.model_io.isolation.private_copy import private_copy
from mnist_trainer.model_io.isolation.trial import start_trials, try_model

if TYPE_CHECKING:
    import keras

__all__ = ["load_copy", "load_model", "load_with_digest"]


def load_model(model: str | Path | ModelFile, *, trust: bool = False, task: Task | None = None) -> keras.Model:
    """Load a model, without running code from inside the file unless `trust` is true.

    Parameters
    ----------
    model : str, Path or ModelFile
        Name of a ready model, or path of a ``.keras`` or legacy ``.h5`` file or of a SavedModel folder.
    trust : bool
        Whether Python code in the file (a Lambda layer) may run, and a graph may read and write files. Use it only
        for sources that you trust.
    task : Task, optional
        The task of the data to classify, ``data.test.task``. Default: the task in the training record beside the
        file, otherwise digits.

    Raises
    ------
    ModelError
        If the file is missing or damaged, contains only weights, needs its own code (custom layers, Lambda), or is not
        a model of `task`.
    UsageError
        If `model` is neither a name nor a path.
    MachineError
        If there is too little memory or disk space.
    """
    return load_with_digest(model if isinstance(model, ModelFile) else find_model(model), trust=trust, task=task)[0]


def load_with_digest(file: ModelFile, *, trust: bool = False, task: Task | None = None) -> tuple[keras.Model, str]:
    """Load a model; return it and the SHA-256 of exactly the bytes that were loaded. See `load_model`.

    A ready model is loaded directly. Any other model is copied, tried in a child process (see `try_model`), and then
    loaded from the copy.
    """
    task = task or recorded_task(file.path) or DIGITS
    try:
        if file.is_ready:
            import_tensorflow()
            return load_copy(file.path, trust=trust, task=task), file.sha256
        start_trials()
        import_tensorflow()
        with private_copy(file.path) as copy:
            try_model(copy.path, task, trust=trust)
            return load_copy(copy.path, trust=trust, task=task), copy.sha256
    except ModelError as error:
        raise ModelError(f"{file.path}: {error}") from error.__cause__


def load_copy(path: Path, *, trust: bool, task: Task) -> keras.Model:
    """Load and check a model from its private copy; see `load_model`.

    The suffix of the copy must fit its format, ``.keras`` or ``.h5``.
    """
    from mnist_trainer.model_io.keras_file.load import load_keras_file
    from mnist_trainer.model_io.saved_model.load import load_saved_model

    load = load_saved_model if path.is_dir() else load_keras_file
    with quiet_stderr(), default_settings(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras and TensorFlow warn about files of their older versions
        try:
            loaded = load(path, trust=trust, task=task)
            model = check_model(loaded, task)
            model.left_out_class = getattr(loaded, "left_out_class", None)  # the model may be a new one
            return model
        except ModelError as error:
            raise_machine_failure(error)
            raise
