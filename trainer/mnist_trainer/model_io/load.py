"""`load_model`: a Keras model by the name of a ready one, or from the user's own file or folder."""

from __future__ import annotations

import stat
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_runtime.system.stderr import quiet_stderr
from mnist_trainer.architectures.registry import ARCHITECTURES
from mnist_trainer.errors import ModelError, UsageError
from mnist_trainer.model_io.ready import MODELS, READY_MODELS

if TYPE_CHECKING:
    import keras

__all__ = ["load_model", "model_name", "model_path"]


MAGIC: dict[str, bytes] = {".keras": b"PK\x03\x04", ".h5": b"\x89HDF\r\n\x1a\n", ".hdf5": b"\x89HDF\r\n\x1a\n"}
"""Ending of a model file -> the bytes that it starts with."""


SAVED_MODEL = "saved_model.pb"
"""The file that makes a folder a SavedModel."""


LFS_POINTER = b"version https://git-lfs"


OTHERS: dict[str, str] = {
    ".onnx": "an ONNX file, which comes out of this toolkit and cannot go in: give the model that it was made from",
    ".tflite": "a TFLite file, which comes out of this toolkit and cannot go in: give the model that it was made from",
    ".pt": "a PyTorch file: build the same layers in Keras, copy the weights, model.save('model.keras')",
    ".pth": "a PyTorch file: build the same layers in Keras, copy the weights, model.save('model.keras')",
    ".pkl": "a pickle, which runs code when it is read: model.save('model.keras') where it was made",
    ".pickle": "a pickle, which runs code when it is read: model.save('model.keras') where it was made",
    ".pb": "one file of a SavedModel: give the folder that it lies in",
    ".json": "a model's plan without weights: build it, load_weights, model.save('model.keras')",
    ".ckpt": "weights only: build the model, load_weights, model.save('model.keras')",
    ".index": "weights only: build the model, load_weights, model.save('model.keras')",
    ".npz": "arrays only: build the model, set_weights, model.save('model.keras')",
    ".safetensors": "weights only: build the model, set_weights, model.save('model.keras')",
}
"""Ending of a file that people try -> what it is and what to do."""


def model_path(model: str) -> Path:
    """Return the file of a ready model, which is called as its architecture, or the user's own file or folder.

    It looks at the first bytes only and imports nothing heavy.

    Raises
    ------
    UsageError
        If `model` is neither a ready model's name nor a path.
    ModelError
        If there is nothing, or something that is certainly no model.

    Examples
    --------
    >>> model_path("cnn").name
    'cnn.keras'
    """
    if model in READY_MODELS:
        return MODELS / f"{model}.keras"
    path = Path(model)
    try:
        model.encode()  # what is not Unicode could not be printed
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError) as error:
        if not path.suffix and len(path.parts) <= 1:
            cure = f"train it first: mnist-train --architecture {model}" if model in ARCHITECTURES else "check the name"
            raise UsageError(
                f"Expected a ready model ({', '.join(READY_MODELS)}) or the path of a .keras or .h5 file or of a "
                f"SavedModel folder, received {model!r}, which is neither; {cure}."
            ) from error
        raise ModelError(
            f"Expected a .keras or .h5 file or a SavedModel folder at {path}, found none; check the path."
        ) from error
    except OSError as error:
        raise ModelError(f"Expected a model, received {path}, which cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise UsageError(f"Expected a path in Unicode, without zero bytes, received {model!r}; rename it.") from error
    try:
        _check_folder(path) if is_folder else _check_file(path)
    except OSError as error:
        raise ModelError(f"Expected a model that can be read, received {path} ({error.strerror}).") from error
    return path


def model_name(path: Path) -> str:
    """Return what the files made from the model at `path` are called: the file without its ending, or the folder.

    Examples
    --------
    >>> model_name(Path("mine/digits.v2.keras"))
    'digits.v2'
    """
    return path.stem if path.suffix in MAGIC and not path.is_dir() else path.resolve().name


def load_model(model: str, *, trust: bool = False) -> keras.Model:
    """Load a digit model, without executing code that a file may carry.

    Parameters
    ----------
    model : str
        Name of a ready model, or path of a ``.keras`` or legacy ``.h5`` file, or of a SavedModel folder.
    trust : bool
        Whether Python code inside the file (a Lambda layer) may run, and a graph may reach files.

    Raises
    ------
    ModelError
        If the file is missing, damaged, holds weights only, needs code of its own (custom layers, Lambda), or is not
        a model of digits.
    UsageError
        If it is neither a name nor a path.
    """
    from mnist_trainer.model_io.digit_model import check_digit_model
    from mnist_trainer.model_io.keras_file import load_keras_file
    from mnist_trainer.model_io.saved_model import load_saved_model

    path = model_path(model)
    load = load_saved_model if path.is_dir() else load_keras_file
    with quiet_stderr(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras and TensorFlow warn of what their older versions wrote
        try:
            return check_digit_model(load(path, trust=trust))
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from error.__cause__


def _check_folder(path: Path) -> None:
    """Tell what is wrong with a folder that is given as a model."""
    if not (path / SAVED_MODEL).is_file():
        raise ModelError(
            f"{path}: expected a SavedModel folder, this one holds no {SAVED_MODEL}; "
            "model.export('folder') writes one, or give a .keras or .h5 file."
        )
    for file in sorted(path.rglob("*")):
        if file.is_file():
            _refuse_pointer(file, _head(file))


def _check_file(path: Path) -> None:
    """Tell what is wrong with a file that is given as a model."""
    head = _head(path)
    _refuse_pointer(path, head)
    if not head:
        raise ModelError(f"{path}: expected a model, this file is empty; copy or save it again.")
    if path.suffix not in MAGIC:
        known = OTHERS.get(path.suffix.lower(), "neither; save the model with model.save('model.keras')")
        raise ModelError(f"{path}: expected a .keras or .h5 file or a SavedModel folder, this is {known}.")
    if not head.startswith(MAGIC[path.suffix]):
        inside = next((suffix for suffix, magic in MAGIC.items() if head.startswith(magic)), None)
        cure = f"inside it is a {inside} file; rename it" if inside else "it is damaged; copy or save it again"
        raise ModelError(f"{path}: expected a {path.suffix} file, but {cure}.")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


def _refuse_pointer(path: Path, head: bytes) -> None:
    if head.startswith(LFS_POINTER):
        raise ModelError(f"{path}: expected a model, this is a Git LFS pointer to one; run git lfs pull.")
