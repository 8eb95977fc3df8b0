"""Find and load ``.tflite`` and ``.onnx`` files, from this toolkit or another tool, where a Keras model could be."""

from __future__ import annotations

from pathlib import Path

from mnist_runtime.errors import ArtifactError, UnsealedError, printable
from mnist_trainer.data.dataset import LabelledImages
from mnist_trainer.errors import nearest_path
from mnist_trainer.foreign.file_model import FileModel, is_model_file
from mnist_trainer.foreign.sealed_model import SealedModel
from mnist_trainer.model_io.find import ModelFile, find_model
from mnist_trainer.recipes.pixel_scaling import PixelScaling

__all__ = ["find_source", "load_model_file"]


def find_source(model: str | Path) -> ModelFile:
    """Find a ``.tflite`` or ``.onnx`` file, or a Keras model as `find_model` does.

    Raises
    ------
    ArtifactError
        If there is no such ``.tflite`` or ``.onnx`` file.
    UsageError, ModelError
        See `find_model`.
    """
    path = Path(model)
    if not is_model_file(path):
        return find_model(model)
    if not path.is_file():
        raise ArtifactError(f"There is no model file at {path}.{nearest_path(path) or ' Check the path.'}")
    return ModelFile(path, printable(path.stem), {})


def load_model_file(
    file: ModelFile, data: LabelledImages, *, given: PixelScaling | str | None = None
) -> FileModel | SealedModel:
    """Load a ``.tflite`` or ``.onnx`` file: as `SealedModel` if ``mnist-export`` made it, else as `FileModel`.

    Parameters
    ----------
    file : ModelFile
        The file.
    data : LabelledImages
        Images on which the scaling of pixels is measured; see `probe_images`.
    given : PixelScaling or str, optional
        Pixel scaling of a file from another tool. Default: measured.

    Raises
    ------
    ArtifactError
        If the file is damaged.
    ModelError, UsageError
        See `FileModel.measure`.
    """
    try:
        return SealedModel.load(file)
    except UnsealedError:
        return FileModel.measure(file, data, given=given)
