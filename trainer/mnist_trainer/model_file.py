"""`load_model`: a Keras model by the name of a ready one, or from the user's own file."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_trainer.architecture import ARCHITECTURES
from mnist_trainer.errors import ModelError, UsageError

if TYPE_CHECKING:
    import keras

__all__ = ["load_model", "model_path"]


def model_path(model: str) -> Path:
    """Return the file of a ready model, which is called as its architecture, or of the user's own.

    Raises
    ------
    UsageError
        If `model` is neither a ready model's name nor a path.
    ModelError
        If it is a path with no ``.keras`` file.

    Examples
    --------
    >>> model_path("cnn").name
    'cnn.keras'
    """
    if model in ARCHITECTURES:
        return Path(str(resources.files("mnist_trainer") / "models" / f"{model}.keras"))
    path = Path(model)
    if not path.is_file():
        if not path.suffix and len(path.parts) == 1:
            raise UsageError(
                f"Expected a ready model ({', '.join(ARCHITECTURES)}) or the path of a .keras file, "
                f"received {model!r}, which is neither."
            )
        raise ModelError(f"Expected a .keras file at {path}, found none; check the path.")
    if path.suffix != ".keras":
        raise ModelError(f"{path}: expected a .keras file; save the model with model.save('model.keras').")
    return path


def load_model(model: str) -> keras.Model:
    """Load a Keras model, without executing code that a file may carry.

    Parameters
    ----------
    model : str
        Name of a ready model, or path of a ``.keras`` file.

    Raises
    ------
    ModelError
        If the file is missing, damaged, or needs code of its own (custom layers, Lambda).
    UsageError
        If it is neither a name nor a path.
    """
    import keras

    path = model_path(model)
    try:
        loaded = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras, h5py and zipfile raise many kinds for a damaged file
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise ModelError(
            f"{path}: expected a whole Keras 3 model of builtin layers, could not load it ({reason})."
        ) from error
    return loaded
