"""Find a ready model by name or the user's model by path, and check its first bytes.

This module imports no large package.
"""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_runtime.errors import printable, raise_machine_failure
from mnist_trainer.architectures.registry import ARCHITECTURES
from mnist_trainer.data.records import read_record
from mnist_trainer.errors import ModelError, UsageError, nearest_name, nearest_path
from mnist_trainer.model_io.file_kinds import unsuitable
from mnist_trainer.model_io.isolation.private_copy import digest, files_below
from mnist_trainer.recipes.pixel_scaling import PIXEL_CONVENTIONS

if TYPE_CHECKING:
    import keras

__all__ = ["READY_MODELS", "TEACHERS", "ModelFile", "find_model"]

MODELS = Path(str(resources.files("mnist_trainer"))) / "models"

READY_MODELS = tuple(name for name in ARCHITECTURES if (MODELS / f"{name}.keras").is_file())
"""Names of the trained models that come with the package; each is also the name of its architecture."""

TEACHERS = ("accurate-mnist",)
"""Names of trained models in the package that are used only as teachers; see `Distillation.teacher`."""

SAVED_MODEL = "saved_model.pb"
"""File that every SavedModel folder contains."""

LFS_POINTER = b"version https://git-lfs"


@dataclass(frozen=True)
class ModelFile:
    """A model on disk that is not loaded yet. Create it with `find_model`.

    Parameters
    ----------
    path : Path
        A ``.keras`` archive or an HDF5 file, with any suffix, or a SavedModel folder.
    name : str
        Name of the model, used for the files that are made from it: the file name without suffix, or the folder name.
    record : dict
        Training record of a ready model; empty for any other model. See `recorded_pixels`.
    """

    path: Path
    name: str
    record: dict[str, Any]

    @property
    def is_ready(self) -> bool:
        """Whether it is a model in this package: one of `READY_MODELS` or `TEACHERS`."""
        return self.path.parent == MODELS

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the file; of a folder, that of the lines ``<sha256>  <relative path>``, sorted by path."""
        return digest(self.path)

    def recorded_pixels(self, model: keras.Model, sha256: str) -> str | None:
        """Return the pixel scaling in the training record, if the record belongs to this model; otherwise None.

        The record beside a user's file counts if it contains the SHA-256 of the file. A record of an earlier version
        contains no SHA-256. It counts if its architecture and number of parameters are those of the model.

        Parameters
        ----------
        model : keras.Model
            The model in the file.
        sha256 : str
            SHA-256 of the bytes from which it was loaded.
        """
        if self.is_ready:
            return str(self.record["pixel_range"])
        record = read_record(self.path)
        if "model_sha256" in record:
            is_own = record["model_sha256"] == sha256
        else:
            is_named = "tuning" in record or record.get("architecture") == model.name
            is_own = is_named and record.get("parameters") == model.count_params()
        pixels = record.get("pixel_range")
        return pixels if is_own and pixels in [scaling.name for scaling in PIXEL_CONVENTIONS] else None

    def check_layers(self) -> None:
        """Check that the model has Keras layers, which tuning needs.

        Raises
        ------
        ModelError
            If the model is a SavedModel.
        """
        if self.path.is_dir():
            raise ModelError(
                f"{self.path}: A SavedModel is a fixed graph, without layers that can be tuned. Where it was made, "
                "call model.save('model.keras') and give that file."
            )


def find_model(model: str | Path) -> ModelFile:
    """Find a ready model or the user's file or folder. Only the first bytes are read.

    Parameters
    ----------
    model : str or Path
        Name of a ready model or of a teacher, or a path.

    Raises
    ------
    UsageError
        If `model` is neither the name of a ready model nor a path.
    ModelError
        If there is no such file, or its first bytes are not those of a Keras model.

    Examples
    --------
    >>> find_model("cnn").path.name, find_model("cnn").record["pixel_range"]
    ('cnn.keras', '0..1')
    """
    if model in (*READY_MODELS, *TEACHERS):
        path = MODELS / f"{model}.keras"
        return ModelFile(path, str(model), json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
    path = Path(model)
    try:
        str(model).encode()  # a path that is not Unicode cannot be printed
        mode = path.stat().st_mode
        is_folder = stat.S_ISDIR(mode)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _missing(path) from error
    except OSError as error:
        raise_machine_failure(error)
        raise ModelError(f"The model {path} cannot be read: {error.strerror}. Check the path.") from error
    except ValueError as error:
        raise UsageError(f"The path {str(model)!r} is not Unicode or contains a zero byte. Rename the file.") from error
    if not is_folder and not stat.S_ISREG(mode):
        raise ModelError(f"{path}: This is neither a file nor a folder. Save the model into a file and give that.")
    try:
        _check_folder(path) if is_folder else _check_file(path)
    except OSError as error:
        raise_machine_failure(error)
        raise ModelError(f"The model {path} cannot be read: {error.strerror}. Check its permissions.") from error
    return ModelFile(path, printable(path.resolve().name if is_folder else path.stem), {})


def _missing(path: Path) -> ModelError | UsageError:
    """Return the error for a path that does not exist."""
    name = str(path)
    if path.suffix or len(path.parts) > 1:
        return ModelError(f"There is no model at {path}.{nearest_path(path) or ' Check the path.'}")
    if name in ARCHITECTURES:
        trained = Path("trained") / f"{name}.keras"
        advice = (
            f"Give {trained}." if trained.is_file() else f"Train it: mnist-train --architecture {name}. Give {trained}."
        )
        return UsageError(f"{name} is an architecture, not a ready model. {advice}")
    hint = nearest_name(name, READY_MODELS) or nearest_path(path)
    return UsageError(
        f"There is no ready model or file {name!r}."
        + (hint or f" Choose one of {', '.join(READY_MODELS)}, or give the path of a .keras or .h5 file.")
    )


def _check_folder(path: Path) -> None:
    if (path / "config.json").is_file():
        raise ModelError(
            f"{path}: This folder is an unpacked .keras file. Pack it again: shutil.move(shutil.make_archive('model', "
            f"'zip', {str(path)!r}), 'model.keras')."
        )
    if not (path / SAVED_MODEL).is_file():
        raise ModelError(
            f"{path}: This folder is not a SavedModel, since it contains no {SAVED_MODEL}. Write one with "
            "model.export('folder'), or give a .keras or .h5 file."
        )
    for _, file in files_below(path):
        _refuse_pointer(file, _head(file))


def _check_file(path: Path) -> None:
    head = _head(path)
    _refuse_pointer(path, head)
    if not head:
        raise ModelError(f"{path}: The file is empty. Copy or save it again.")
    problem = unsuitable(path, head)
    if problem:
        raise ModelError(f"{path}: A .keras or .h5 file or a SavedModel folder is needed, but this is {problem}.")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


def _refuse_pointer(path: Path, head: bytes) -> None:
    if head.startswith(LFS_POINTER):
        raise ModelError(f"{path}: The file is a Git LFS pointer to a model. Run git lfs pull.")
