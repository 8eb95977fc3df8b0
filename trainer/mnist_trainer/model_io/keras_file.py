"""`load_keras_file`: a Keras model from a ``.keras`` or legacy ``.h5`` file, inspected before anything is built."""

from __future__ import annotations

import json
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_runtime.errors import first_line
from mnist_trainer.errors import ModelError
from mnist_trainer.model_io.hdf5 import require_readable_hdf5
from mnist_trainer.model_io.keras2 import modernised
from mnist_trainer.model_io.unsafe_code import refuse_foreign_code

if TYPE_CHECKING:
    import keras

__all__ = ["load_keras_file"]

PLAN = "config.json"
"""The member of a ``.keras`` file that says which layers there are."""


def load_keras_file(path: Path, *, trust: bool = False) -> keras.Model:
    """Load the model in `path`, of Keras 3 or Keras 2.

    Parameters
    ----------
    path : Path
        A file that ends in ``.keras``, ``.h5`` or ``.hdf5``.
    trust : bool
        Whether Python code inside it may run.

    Raises
    ------
    ModelError
        If it is damaged, holds weights only, or needs code that is not Keras's own.
    """
    import keras

    zipped = path.suffix == ".keras"
    try:
        config, version = _read_zip(path) if zipped else _read_hdf5(path)
        old = version.startswith(("1.", "2."))
        if old:
            config = modernised(config)
        refuse_foreign_code(config, trust=trust)
        with tempfile.TemporaryDirectory() as folder:
            if old:
                path = _rewritten(path, config, Path(folder) / f"model{path.suffix}")
            loaded: keras.Model = keras.models.load_model(path, compile=False, safe_mode=not trust)
            return loaded
    except ModelError:
        raise
    except Exception as error:  # Keras, h5py, zipfile and a layer's code raise many kinds for a damaged file
        raise ModelError(
            f"expected a whole Keras model of builtin layers, could not load it ({first_line(error)}); save it again."
        ) from error


def _read_zip(path: Path) -> tuple[dict[str, Any], str]:
    """Return a model's config and the version of the Keras that wrote it."""
    with zipfile.ZipFile(path) as file:
        if PLAN not in file.namelist():
            raise ModelError(f"expected a Keras model, this zip file holds no {PLAN}; model.save('model.keras').")
        config: dict[str, Any] = json.loads(file.read(PLAN))
        metadata = json.loads(file.read("metadata.json")) if "metadata.json" in file.namelist() else {}
    return config, str(metadata.get("keras_version", ""))


def _read_hdf5(path: Path) -> tuple[dict[str, Any], str]:
    """Return a model's config and the version of the Keras that wrote it."""
    import h5py

    require_readable_hdf5(path)
    with h5py.File(path) as file:
        if "model_config" not in file.attrs:
            raise ModelError(
                "expected a whole model, this holds weights only: build it, load_weights, model.save('model.keras')."
            )
        config: dict[str, Any] = json.loads(file.attrs["model_config"])
        version = file.attrs.get("keras_version", "1.")  # Keras 1 did not say
        return config, version if isinstance(version, str) else version.decode()


def _rewritten(path: Path, config: dict[str, Any], copy: Path) -> Path:
    """Write a copy of `path` with another config."""
    content = json.dumps(config)
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(copy, "w") as target:
            for name in source.namelist():
                target.writestr(name, content if name == PLAN else source.read(name))
    else:
        import h5py

        copy.write_bytes(path.read_bytes())
        with h5py.File(copy, "r+") as file:
            file.attrs["model_config"] = content
    return copy
