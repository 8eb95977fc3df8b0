"""Load original models, their data, and files from other tools. Only Keras models need TensorFlow."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.spec.format import format_of
from mnist_runtime.artifact.container import MANIFEST_ENTRY
from mnist_runtime.errors import ArtifactError, ToolkitError, UnsealedError, UsageError
from mnist_trainer.data.dataset import Splits
from mnist_trainer.data.load import DATASETS
from mnist_trainer.data.own_data.arrays import splits_of_arrays
from mnist_trainer.data.records import rejects_non_digits
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.foreign.file_model import FileModel, is_model_file
from mnist_trainer.foreign.load import find_source, load_model_file
from mnist_trainer.foreign.stated import stated_by_shape, stated_for
from mnist_trainer.keras_support import import_tensorflow
from mnist_trainer.model_io.find import ModelFile
from mnist_trainer.model_io.load import load_with_digest
from mnist_trainer.model_io.pixel_probe.probe import probe_images
from mnist_trainer.recipes.pixel_scaling import PixelScaling

if TYPE_CHECKING:
    import keras

    from mnist_exporters.inputs.original_model import OriginalModel
    from mnist_exporters.pipeline.session import ExportSession

__all__ = [
    "check_types",
    "found_model",
    "is_foreign_file",
    "load_foreign_file",
    "load_original",
    "splits_in_memory",
    "stated_for_file",
    "stated_with",
]


ARRAYS = "arrays in memory"
"""Argument `data` of `stated_with`, instead of a name or path, if the data is given as arrays."""


def check_types(stated: object, pixel_range: object, /, **flags: object) -> None:
    """Check the types of arguments that would otherwise be ignored, or taken for something else.

    Parameters
    ----------
    stated : StatedTask or None
        Facts about the data.
    pixel_range : PixelScaling, str or None
        A pixel scaling.
    **flags : bool
        Arguments that are True or False, by name. Any other value, such as ``"no"``, would count as True.

    Raises
    ------
    UsageError
        If one of them has another type.
    """
    if not isinstance(stated, StatedTask | None):
        raise UsageError(
            f'stated is {stated!r}, but must be a StatedTask, such as StatedTask(labels=("left", "right")).'
        )
    if not isinstance(pixel_range, str | PixelScaling | None):
        raise UsageError(f'pixel_range is {pixel_range!r}, but must be text, such as "0..1", or a PixelScaling.')
    for name, value in flags.items():
        if not isinstance(value, bool | np.bool_):
            raise UsageError(f"{name} is {value!r}, but must be True or False.")


def found_model(model: str | Path | ModelFile | keras.Model) -> ModelFile | keras.Model:
    """Return the model file that a name or path means; a model in memory is returned as it is.

    Raises
    ------
    UsageError
        If `model` is neither a known name or path, nor a model.
    """
    if isinstance(model, str | Path):
        return find_source(model)
    if not isinstance(model, ModelFile) and not hasattr(model, "layers"):
        raise UsageError(
            f"The model is {_kind_of(model)}. Give the name of a ready model, the path of a model file, or a "
            "keras.Model."
        )
    return model


def splits_in_memory(
    data: object, model: ModelFile | keras.Model, stated: StatedTask | None, seen: Collection[str] | None
) -> Splits:
    """Return loaded data, or arrays as ``keras.datasets.mnist.load_data`` returns them, as `Splits`.

    Facts that the user does not state, such as class names, come from `model`, as for data from a path. `seen` says how
    arrays without labels of the test images are divided; see `mnist_trainer.data.own_data.division.divide`.

    Raises
    ------
    UsageError
        If `data` has another type.
    DataError
        If the arrays are not images and labels.
    """
    if isinstance(data, Splits):
        return data
    parts = data if isinstance(data, tuple | list) and len(data) == 2 else ()
    if parts and all(hasattr(part, "images") and hasattr(part, "task") for part in parts):
        return Splits(*parts)
    if parts and all(isinstance(part, tuple | list) and len(part) == 2 for part in parts):
        return splits_of_arrays(parts[0], parts[1], stated_with(model, ARRAYS, stated), seen)
    raise UsageError(
        f"The data is {_kind_of(data)}. Give the name or path of a data set, the result of mnist_trainer.load_data, or "
        "arrays as Keras returns them: data=((x_train, y_train), (x_test, y_test))."
    )


def _kind_of(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"


def stated_with(model: ModelFile | keras.Model, data: str, stated: StatedTask | None) -> StatedTask:
    """Return the facts about images and classes of `data`: those that the user states, the others from the model."""
    stated = stated or StatedTask()
    if isinstance(model, ModelFile):
        stated = stated_for([model.path], data, stated)
    if data in ("auto", *DATASETS):
        return stated
    if isinstance(model, ModelFile):
        shape = _file_shape(model.path) if is_model_file(model.path) else ()
    else:
        inputs = getattr(model, "inputs", None)  # a model that is not built has none
        shape = tuple(inputs[0].shape[1:]) if inputs else ()
    from_shape = stated_by_shape(shape)
    size, channels = stated.size or from_shape.size, stated.channels or from_shape.channels
    return dataclasses.replace(stated, size=size, channels=channels, converts=stated.converts_after(from_shape))


def stated_for_file(path: Path, stated: StatedTask | None) -> StatedTask:
    """Return the facts about the data for verifying a file: those that the user states, the others from the file."""
    given, known = stated or StatedTask(), StatedTask.of(load_plugin(format_of(path)).open(path).manifest.task)
    return StatedTask(
        given.size or known.size,
        given.channels or known.channels,
        given.labels or known.labels,
        given.preparation or known.preparation,
        converts=given.converts_after(known),
    )


def _file_shape(path: Path) -> tuple[int | None, ...]:
    """Return the shape of one image in a file's input, channels last; an empty tuple if it cannot be read."""
    try:
        shape = load_plugin(format_of(path)).read(path.read_bytes()).input.shape[1:]
    except (ToolkitError, OSError):  # the error is reported later, when the file is loaded
        return ()
    sides = tuple(None if side < 0 else side for side in shape)
    return (*sides[1:], sides[0]) if len(sides) == 3 and sides[0] in (1, 3) else sides


def load_original(
    model: ModelFile | keras.Model, splits: Splits, pixel_range: PixelScaling | str | None, *, trust: bool
) -> OriginalModel:
    """Load the original: a Keras model, or a model file that needs no TensorFlow."""
    probe = probe_images(*splits)
    if isinstance(model, ModelFile) and is_model_file(model.path):
        found = load_model_file(model, probe, given=pixel_range)
        load_plugin(format_of(model.path)).read(model.path.read_bytes()).check_unchanging()
        return found
    name, facts, loaded = model.name, dict[str, Any](), model
    if isinstance(model, ModelFile):
        loaded, sha256 = load_with_digest(model, trust=trust, task=splits.test.task)
        facts = {"sha256": sha256, "recorded": model.recorded_pixels(loaded, sha256)}
        facts["rejects_non_digits"] = rejects_non_digits(model.path)
    import_tensorflow()
    from mnist_exporters.inputs.original import Original

    return Original.from_keras(loaded, probe, name=name, pixel_range=pixel_range, **facts)


ARCHIVE = re.compile(rb"PK\x03\x04.{26}" + re.escape(MANIFEST_ENTRY.encode()), re.DOTALL)
"""Pattern of the start of the zip archive that mnist-export appends to a model."""


def is_foreign_file(path: Path, file_pixel_range: PixelScaling | str | None) -> bool:
    """Return whether another tool made the file. The file is read, but not loaded into an interpreter.

    Raises
    ------
    ArtifactError
        If the file is damaged: it is truncated, or contains a part of the archive that mnist-export appends.
    UsageError
        If an option does not apply to the file, or a file from another tool has a suffix in upper case.
    """
    plugin = load_plugin(format_of(path))
    try:
        plugin.open(path)
    except UnsealedError:
        lower = path.with_suffix(path.suffix.lower())
        if not is_model_file(lower):
            return False
        content = path.read_bytes()
        if ARCHIVE.search(content):
            raise ArtifactError(
                f"{path} was made by mnist-export and was changed or cut off after that. Export or copy it again."
            ) from None
        try:
            plugin.read(content)
        except ArtifactError as error:
            raise type(error)(f"{path}: {error}") from error
        if path != lower:
            raise UsageError(f"{path} was made by another tool. Rename it to end in {lower.suffix}.") from None
        return True
    if file_pixel_range is not None:
        raise UsageError(f"{path} was made by mnist-export and takes raw pixels. Leave --file-pixel-range out.")
    return False


def load_foreign_file(path: Path, session: ExportSession, pixel_range: PixelScaling | str | None) -> FileModel:
    """Load a file from another tool in a separate process, and measure which pixel scaling it expects."""
    return FileModel.measure(find_source(path), probe_images(session.train, session.test), given=pixel_range)
