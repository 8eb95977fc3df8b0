"""Load a Keras model from a ``.keras`` archive or an HDF5 file, after a check of its configuration."""

from __future__ import annotations

import json
import tempfile
import zipfile
from contextlib import ExitStack
from copy import deepcopy
from pathlib import Path
from typing import Any

import h5py
import keras

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_runtime.errors import first_line
from mnist_trainer.errors import ModelError
from mnist_trainer.model_io.input_shape import input_shapes
from mnist_trainer.model_io.keras2.translate import as_keras3
from mnist_trainer.model_io.keras_file.hdf5 import check_hdf5
from mnist_trainer.model_io.keras_file.lambda_names import lambda_names
from mnist_trainer.model_io.keras_file.unsafe_code import refuse_unsafe_code

__all__ = ["load_keras_file"]

CONFIG = "config.json"
"""Member of a ``.keras`` file that describes the layers."""

WEIGHTS = "model.weights.h5"
"""Member of a ``.keras`` file that holds the weights."""

LAYERS_OF_2_12 = "_layer_checkpoint_dependencies"
"""Group of the layers' weights in archives of Keras 2.12."""

MOST_BYTES = 2**31
"""Size of an archive, unpacked, above which it is rejected: a TFLite file can hold less."""


def load_keras_file(path: Path, *, trust: bool = False, task: Task = DIGITS) -> keras.Model:
    """Load the model in `path`, written by Keras 3 or Keras 2. The content of the file shows its kind, not the suffix.

    Parameters
    ----------
    path : Path
        A ``.keras`` archive or an HDF5 file.
    trust : bool
        Whether Python code inside it may run.
    task : Task, optional
        The images and classes, for a file that does not say the shape of its input.

    Raises
    ------
    ModelError
        If it is damaged, contains weights only, or needs code that is not part of Keras.
    """
    try:
        is_hdf5 = h5py.is_hdf5(path)
        config, version = _read_hdf5(path) if is_hdf5 else _read_zip(path)
        is_old = version.startswith(("1.", "2."))
        if is_old:
            config = as_keras3(config, version)
        refuse_unsafe_code(config, trust=trust)
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            if trust:
                stack.enter_context(lambda_names())
            if is_hdf5 and is_old:  # the reader of Keras 3 changes some arguments
                return _with_weights(config, _named(path, folder, ".h5"), trust, task)
            if is_old or (not is_hdf5 and _has_backslashes(path)):
                path = _rewritten(path, config, folder / "model.keras")
            path = _named(path, folder, ".h5" if is_hdf5 else ".keras")
            loaded: keras.Model = keras.models.load_model(path, compile=False, safe_mode=not trust)
            return loaded
    except ModelError:
        raise
    except Exception as error:  # Keras, h5py, zipfile and the code of a layer raise many kinds for a damaged file
        raise ModelError(f"The Keras model cannot be loaded ({first_line(error)}). Save it again.") from error


def _with_weights(config: dict[str, Any], path: Path, trust: bool, task: Task) -> keras.Model:
    """Return the model of `config`, a translated one, with the weights of an HDF5 file.

    Before Keras 2.3, a Sequential that begins with an `InputLayer` is saved without it. Then the shapes of `task` are
    tried; the shapes of the weights decide.
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


def _read_zip(path: Path) -> tuple[dict[str, Any], str]:
    """Return the configuration of a model and the version of the Keras that wrote it."""
    with zipfile.ZipFile(path) as file:
        size = sum(member.file_size for member in file.infolist())
        if size > MOST_BYTES:
            raise ModelError(f"The zip file holds {size / 2**30:,.1f} GiB when unpacked. No digit model is that large.")
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
        if file.attrs.get("backend") in ("theano", b"theano") and "Conv" in str(config):
            raise ModelError(
                "The model was saved by Keras with Theano, which turns the kernels of convolutions by 180 degrees. "
                "Load it in Keras 2.3 with KERAS_BACKEND=tensorflow, which turns them back, and save it again."
            )
        version = file.attrs.get("keras_version", "1.")  # Keras 1 wrote no version
        return config, version if isinstance(version, str) else version.decode()


def _named(path: Path, folder: Path, suffix: str) -> Path:
    """Return `path`, or a link to it in `folder` that has the suffix by which Keras chooses its reader."""
    if path.suffix == suffix:
        return path
    link = folder / f"linked{suffix}"
    link.symlink_to(path.resolve())
    return link


def _has_backslashes(path: Path) -> bool:
    """Return whether Keras wrote the names in an archive with backslashes, as it did on Windows."""
    with zipfile.ZipFile(path) as file, tempfile.TemporaryDirectory() as folder:
        # The names in the directory of the archive are as written; `namelist` may have replaced the backslashes.
        if any("\\" in member.orig_filename for member in file.infolist()):
            return True
        if WEIGHTS not in file.namelist():
            return False
        with h5py.File(file.extract(WEIGHTS, folder)) as weights:
            return any("\\" in name for name in weights)


def _rewritten(path: Path, config: dict[str, Any], copy: Path) -> Path:
    """Write a copy of an archive with another configuration, and with slashes in all names."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(copy, "w") as target:
        for member in source.infolist():
            name = member.orig_filename.replace("\\", "/")
            if name == CONFIG:
                target.writestr(name, json.dumps(config))
            elif name == WEIGHTS:
                weights = copy.with_name("weights.h5")
                weights.write_bytes(source.read(member))
                _as_keras3_names(weights)
                target.write(weights, name)
            elif not name.endswith("/"):
                target.writestr(name, source.read(member))
    return copy


def _as_keras3_names(path: Path) -> None:
    """Rename the groups of weights that Keras on Windows, or Keras 2.12, named otherwise than Keras 3."""
    with h5py.File(path, "r+") as file:
        for name in [name for name in file if "\\" in name]:
            file.move(name, name.replace("\\", "/"))
        groups: list[Any] = []
        file.visititems(lambda name, item: groups.append(item) if name.endswith(LAYERS_OF_2_12) else None)
        for group in groups:
            _renumber(group)


def _renumber(group: Any) -> None:
    """Give layers of one kind the numbers 0, 1, 2; Keras 2.12 gave them 0, 2, 4."""
    kinds: dict[str, list[tuple[int, str]]] = {}
    for name in group:
        kind, _, number = name.rpartition("_")
        found = (kind, int(number)) if kind and number.isdecimal() else (name, 0)
        kinds.setdefault(found[0], []).append((found[1], name))
    for kind, members in kinds.items():
        for place, (_, name) in enumerate(sorted(members)):
            new = f"{kind}_{place}" if place else kind
            if new != name:
                group.move(name, new)
