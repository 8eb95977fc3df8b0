"""`stated_for`: derive facts about the images and classes of a data set from the models that are tested on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from mnist_runtime.artifact.container import Artifact
from mnist_runtime.artifact.task import DIGITS, MOST_LABELS, SIDES
from mnist_runtime.errors import ArtifactError, UnsealedError, printable
from mnist_trainer.data.load import DATASETS
from mnist_trainer.data.records import read_record, recorded_task
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.errors import ModelError, UsageError
from mnist_trainer.foreign.declared import declared_shapes
from mnist_trainer.foreign.file_model import FORMATS, is_model_file
from mnist_trainer.foreign.process import ModelProcess
from mnist_trainer.model_io.find import READY_MODELS

__all__ = ["stated_by_shape", "stated_for", "stated_form"]


def stated_for(models: Iterable[str | Path], data: str | Path, stated: StatedTask | None = None) -> StatedTask:
    """Complete the user's facts about own data with those from the models: exported files and training records.

    Parameters
    ----------
    models : iterable of str or Path
        Names or paths of models that are tested on the same data.
    data : str or Path
        Name or path of the data. If it is a name, no fact is added.
    stated : StatedTask, optional
        The user's facts. They have precedence.

    Returns
    -------
    StatedTask
        The facts. A model file that this toolkit made contains all of them. From another file, the size and channels
        of its input and the number of its scores are taken, if the file shows them.

    Raises
    ------
    UsageError
        If two models were made for different images or classes.
    ModelError
        If `data` is the name of a digit data set, but a model was trained on other images or classes.
    """
    stated = stated or StatedTask()
    if data in ("auto", *DATASETS):
        for model in models:
            _check_digits(model, stated)
        return stated
    known = {str(model): found for model in models if not (found := _stated_by(model)).is_empty}
    if len(set(known.values())) > 1:
        raise UsageError(
            f"The models {' and '.join(known)} were made for different images or classes. Evaluate each on its own."
        )
    return stated.filled(next(iter(known.values()), StatedTask()))


def stated_form(model: str | Path, data: str | Path, stated: StatedTask) -> StatedTask:
    """Complete the user's facts with the image form of a Keras model. The labels of the data may be different.

    The form is the size and the channels and, if the model has a training record, the preparation.
    """
    if data in DATASETS:
        return stated
    recorded = recorded_task(model)
    if recorded:
        return stated.filled(replace(StatedTask.of(recorded), labels=None))
    shape = declared_shapes(Path(model))[0]
    if tuple(shape) in (DIGITS.tensor_shape, DIGITS.image_shape):
        return stated.filled(StatedTask(size=(DIGITS.height, DIGITS.width), channels=DIGITS.channels))
    return stated.filled(stated_by_shape(shape))


def stated_by_shape(shape: Sequence[int | None], classes: int | None = None) -> StatedTask:
    """Return the facts that the shapes of a model's input and output show; no facts for a digit model.

    Parameters
    ----------
    shape : sequence of int or None
        Shape of the input, without the batch. Flat rows of pixels and open dimensions show no image size.
    classes : int, optional
        Number of scores.

    Examples
    --------
    >>> stated_by_shape((32, 20, 3)).size, stated_by_shape((28, 28, 1), 10).is_empty, stated_by_shape((1920,)).is_empty
    ((32, 20), True, True)
    """
    if classes == len(DIGITS.labels) or (classes is not None and not 1 < classes <= MOST_LABELS):
        classes = None
    if len(shape) not in (2, 3):
        return StatedTask(classes=classes)
    height, width, channels = (*shape, 1)[:3]
    if height is None or width is None or {height, width} - {*SIDES} or channels not in (1, 3):
        return StatedTask(classes=classes)
    if (height, width, channels) == DIGITS.tensor_shape:
        return StatedTask(classes=classes)
    return StatedTask(size=(height, width), channels=channels, classes=classes)


def _check_digits(model: str | Path, stated: StatedTask) -> None:
    """Check that a model was trained on digits as in MNIST, or on the stated classes, if it has a training record."""
    path = Path(model)
    recorded = None if model in READY_MODELS or is_model_file(path) else recorded_task(path)
    if recorded is None:
        return
    names = set(stated.labels or DIGITS.labels)
    if recorded.tensor_shape != DIGITS.tensor_shape or set(recorded.labels) != names:
        data = printable(str(read_record(path).get("dataset", "another set")))
        raise ModelError(
            f"{path}: This model was trained on the images of {data}, which have another form or other classes than "
            "MNIST. Give them with --data PATH."
        )


def _stated_by(model: str | Path) -> StatedTask:
    """Return the facts that one model shows about its data; no facts for digits, which are the default."""
    path = Path(model)
    if model in READY_MODELS:
        return StatedTask()
    if is_model_file(path):
        try:
            task = Artifact.open(path).manifest.task
        except UnsealedError:
            return _by_interface(path)
        except ArtifactError:  # reported when the file is loaded
            return StatedTask()
    else:
        recorded = recorded_task(path)
        if recorded is None:
            return stated_by_shape(*declared_shapes(path))
        task = recorded
    return StatedTask() if task == DIGITS else StatedTask.of(task)


def _by_interface(path: Path) -> StatedTask:
    """Return the facts that the input and output of another tool's file show."""
    try:
        process = ModelProcess(path, FORMATS[path.suffix])
        (source,), (scores,) = process.facts["inputs"], process.facts["outputs"]
        process.close()
    except (ArtifactError, ValueError):  # reported when the file is loaded
        return StatedTask()
    shape = [side if side > 0 else None for side in source["shape"][1:]]
    if len(shape) == 3 and shape[2] not in (1, 3) and shape[0] in (1, 3):
        shape = [*shape[1:], shape[0]]
    last = scores["shape"][-1] if scores["shape"] else -1
    return stated_by_shape(shape, last if last > 0 else None)
