"""Load a Keras model from a ``.keras`` archive or an HDF5 file, after a check of its configuration."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from copy import deepcopy
from pathlib import Path
from typing import Any

import h5py
import keras

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_runtime.errors import first_line, raise_machine_failure
from mnist_trainer.errors import ModelError
from mnist_trainer.model_io.input_shape import input_shapes
from mnist_trainer.model_io.keras_file.archive import read_archive, write_archive
from mnist_trainer.model_io.keras_file.hdf5 import check_hdf5
from mnist_trainer.model_io.keras_file.keras2.translate import as_keras3
from mnist_trainer.model_io.keras_file.lambda_names import lambda_names
from mnist_trainer.model_io.keras_file.own_class import as_model_of_keras
from mnist_trainer.model_io.keras_file.unsafe_code import refuse_unsafe_code

__all__ = ["check_keras_file", "load_keras_file"]

MOST_LAYERS = 5000
"""Largest number of layers in a model, including nested ones. The deepest networks of Keras have about a thousand."""


def load_keras_file(path: Path, *, trust: bool = False, task: Task = DIGITS) -> keras.Model:
    """Load the model in `path`, written by Keras 3 or Keras 2.

    Parameters
    ----------
    path : Path
        A ``.keras`` archive, or an HDF5 file with the suffix ``.h5``, by which Keras chooses its reader.
    trust : bool
        Whether Python code inside it may run.
    task : Task, optional
        The images and classes, for a file that does not contain the shape of its input.

    Raises
    ------
    ModelError
        If it is damaged, contains weights only, or needs code that is not part of Keras.
    """
    try:
        is_hdf5 = h5py.is_hdf5(path)
        saved, version = _read_hdf5(path) if is_hdf5 else read_archive(path)
        config = as_model_of_keras(saved)
        left_out = str(saved["class_name"]) if config is not saved else None
        is_old = version.startswith(("1.", "2."))
        is_changed = is_old or left_out is not None
        if is_old:
            config = as_keras3(config, version)
        _check_size(config)
        refuse_unsafe_code(config, trust=trust)
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mnist-")))
            if trust:
                stack.enter_context(lambda_names())
            if is_hdf5:
                if is_changed:  # Keras 3's own reader would change some arguments of Keras 2
                    return _with_class(_with_weights(config, path, trust, task), left_out)
            else:
                write_archive(path, config if is_changed else None, folder / "model.keras", trust=trust)
                path = folder / "model.keras"
            return _with_class(keras.models.load_model(path, compile=False, safe_mode=not trust), left_out)
    except ModelError:
        raise
    except Exception as error:  # Keras, h5py, zipfile and the code of a layer raise many kinds for a damaged file
        raise_machine_failure(error)
        raise ModelError(f"The Keras model cannot be loaded ({first_line(error)}). Save it again.") from error


def check_keras_file(path: Path) -> None:
    """Check the sizes in a ``.keras`` archive or an HDF5 file, and that an HDF5 file can be read to its end.

    Raises
    ------
    ModelError
        If it is too large, damaged, or refers to other files.
    """
    try:
        check_hdf5(path) if h5py.is_hdf5(path) else read_archive(path)
    except ModelError:
        raise
    except Exception as error:  # see `load_keras_file`
        raise_machine_failure(error)
        raise ModelError(f"The Keras model cannot be loaded ({first_line(error)}). Save it again.") from error


def _check_size(config: object) -> None:
    """Raise a `ModelError` if `config` describes more than `MOST_LAYERS`."""
    waiting, layers = [config], 0
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            layers += len(found["layers"]) if isinstance(found.get("layers"), list) else 0
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
    if layers > MOST_LAYERS:
        raise ModelError(f"The model has {layers:,} layers, but at most {MOST_LAYERS:,} are loaded.")


def _with_class(model: keras.Model, left_out: str | None) -> keras.Model:
    """Return `model` with the name of the class that it was saved with and that is not loaded, for a note."""
    model.left_out_class = left_out
    return model


def _with_weights(config: dict[str, Any], path: Path, trust: bool, task: Task) -> keras.Model:
    """Build the model of the translated configuration `config`, with the weights of an HDF5 file.

    Before Keras 2.3, a Sequential was saved without its `InputLayer`. If the input shape is missing, the shapes of
    `task` are tried, and the one that fits the weights is used.
    """
    layers = config["config"].get("layers") or [{}]
    is_open = config["class_name"] == "Sequential" and layers[0].get("class_name") != "InputLayer"
    tried: list[dict[str, Any]] = [config]
    if is_open and "build_input_shape" not in config["config"]:
        shapes = [[None, *shape] for shape in input_shapes(task)]
        tried = [config | {"config": config["config"] | {"build_input_shape": shape}} for shape in shapes]
    for number, candidate in enumerate(tried, start=1):
        try:
            model: keras.Model = keras.saving.deserialize_keras_object(deepcopy(candidate), safe_mode=not trust)
            model.load_weights(path)
            if number == len(tried) or model.output_shape == (None, len(task.labels)):
                return model
        except Exception:
            if number == len(tried):
                raise
    raise AssertionError("the last candidate returns or raises")


def _read_hdf5(path: Path) -> tuple[dict[str, Any], str]:
    """Return the configuration of a model, and the version of Keras that wrote it."""
    check_hdf5(path)
    with h5py.File(path) as file:
        if "model_config" not in file.attrs:
            raise ModelError(
                "The file contains weights only. Build the model, load the weights and call model.save('model.keras')."
            )
        config: dict[str, Any] = json.loads(file.attrs["model_config"])
        if file.attrs.get("backend") in ("theano", b"theano") and "Conv" in str(config):
            raise ModelError(
                "The model was saved by Keras with Theano, which turns the kernels of convolutions by 180 degrees. "
                "Load it in Keras 2.3 with KERAS_BACKEND=tensorflow, which turns them back, and save it again."
            )
        version = file.attrs.get("keras_version", "1.")  # Keras 1 wrote no version
        return config, version if isinstance(version, str) else version.decode()
