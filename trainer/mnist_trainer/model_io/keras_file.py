"""Load a Keras model from a ``.keras`` or legacy ``.h5`` file, after a check of its configuration."""

from __future__ import annotations

import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras

from mnist_runtime.errors import first_line
from mnist_trainer.errors import ModelError
from mnist_trainer.model_io.hdf5 import check_hdf5
from mnist_trainer.model_io.keras2 import as_keras3
from mnist_trainer.model_io.unsafe_code import refuse_unsafe_code

__all__ = ["load_keras_file"]

CONFIG = "config.json"
"""Member of a ``.keras`` file that describes the layers."""


def load_keras_file(path: Path, *, trust: bool = False) -> keras.Model:
    """Load the model in `path`, written by Keras 3 or Keras 2.

    Parameters
    ----------
    path : Path
        A file that ends in ``.keras``, ``.h5`` or ``.hdf5``.
    trust : bool
        Whether Python code inside it may run.

    Raises
    ------
    ModelError
        If it is damaged, contains weights only, or needs code that is not part of Keras.
    """
    try:
        config, version = _read_zip(path) if path.suffix == ".keras" else _read_hdf5(path)
        is_old = version.startswith(("1.", "2."))
        if is_old:
            config = as_keras3(config)
        refuse_unsafe_code(config, trust=trust)
        with tempfile.TemporaryDirectory() as folder:
            if is_old:
                path = _rewritten(path, config, Path(folder) / f"model{path.suffix}")
            loaded: keras.Model = keras.models.load_model(path, compile=False, safe_mode=not trust)
            return loaded
    except ModelError:
        raise
    except Exception as error:  # Keras, h5py, zipfile and the code of a layer raise many kinds for a damaged file
        raise ModelError(f"The Keras model cannot be loaded ({first_line(error)}). Save it again.") from error


def _read_zip(path: Path) -> tuple[dict[str, Any], str]:
    """Return the configuration of a model and the version of the Keras that wrote it."""
    with zipfile.ZipFile(path) as file:
        if CONFIG not in file.namelist():
            raise ModelError(f"The zip file contains no {CONFIG}. Save the model with model.save('model.keras').")
        config: dict[str, Any] = json.loads(file.read(CONFIG))
        metadata = json.loads(file.read("metadata.json")) if "metadata.json" in file.namelist() else {}
    return config, str(metadata.get("keras_version", ""))


def _read_hdf5(path: Path) -> tuple[dict[str, Any], str]:
    """Return the configuration of a model and the version of the Keras that wrote it."""
    check_hdf5(path)
    with h5py.File(path) as file:
        if "model_config" not in file.attrs:
            raise ModelError(
                "The file contains weights only. Build the model, load the weights and call model.save('model.keras')."
            )
        config: dict[str, Any] = json.loads(file.attrs["model_config"])
        version = file.attrs.get("keras_version", "1.")  # Keras 1 wrote no version
        return config, version if isinstance(version, str) else version.decode()


def _rewritten(path: Path, config: dict[str, Any], copy: Path) -> Path:
    """Write a copy of `path` with another configuration."""
    content = json.dumps(config)
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(copy, "w") as target:
            for name in source.namelist():
                target.writestr(name, content if name == CONFIG else source.read(name))
    else:
        copy.write_bytes(path.read_bytes())
        with h5py.File(copy, "r+") as file:
            file.attrs["model_config"] = content
    return copy
