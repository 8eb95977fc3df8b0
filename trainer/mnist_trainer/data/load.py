"""Load a data set by its name or path."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mnist_runtime.artifact.task import DIGITS
from mnist_runtime.errors import raise_machine_failure
from mnist_runtime.system.command import echo
from mnist_trainer.errors import DataError, UsageError, nearest_name, nearest_path

if TYPE_CHECKING:
    from mnist_trainer.data.dataset import Splits
    from mnist_trainer.data.stated import StatedTask

__all__ = ["DATASETS", "load_data"]

DATASETS: dict[str, str] = {
    "mnist": "mnist_trainer.data.mnist:load",
    "digits": "mnist_trainer.data.sklearn_digits:load",
}
"""Name -> the function that loads it, as ``"module:function"``. To add a data set, add a module and a row here."""


def load_data(
    source: str = "auto",
    *,
    seen: Collection[str] | None = None,
    stated: StatedTask | None = None,
    base: Collection[str] = (),
) -> Splits:
    """Load a data set.

    Parameters
    ----------
    source : str
        A name in `DATASETS`; the path of a CSV or ``.npz`` file, or of a folder of pictures or IDX files, see
        `load_own_data`; or ``"auto"``: MNIST if it is available, otherwise scikit-learn's digits, with a note on
        stderr.
    seen : collection of str, optional
        Only to test models on the user's own data: what the models were trained on, from `sets_seen_by`. If the data
        was not used to train them, 80 % of it is the test part. Default: 80 % is the training part. See `divide`.
    stated : StatedTask, optional
        Known facts about the images and classes of the user's own data, such as ``StatedTask(size=(32, 20),
        channels=3)``. Default: digits as in MNIST if the data can be that, otherwise what the data shows.
    base : collection of str, optional
        Only to tune a model: what it was trained on before. Those images are kept out of the test part.

    Raises
    ------
    DataError
        If the data is missing, damaged or unsuitable. A damaged copy of MNIST in ``MNIST_DIR`` or in the cache of
        Keras is an error for ``"auto"`` too.
    UsageError
        If `source` is neither a name nor an existing path.

    Examples
    --------
    >>> load_data("digits").test.name
    'digits'
    """
    if source == "auto" or source in DATASETS:
        return _as_stated(_auto() if source == "auto" else _load(source), stated)
    from mnist_trainer.data.own_data.load import load_own_data

    path = Path(source)
    try:
        missing = not path.exists()
    except OSError as error:
        raise_machine_failure(error)
        raise DataError(f"Cannot read {path}: {error.strerror}. Check the path.") from error
    if missing and not path.suffix and len(path.parts) == 1:
        names = ("auto", *DATASETS)
        hint = nearest_name(source, names) or nearest_path(path)
        raise UsageError(
            f"There is no data set or file {source!r}."
            + (hint or f" Choose one of {', '.join(names)}, or give the path of a CSV or .npz file or of a folder.")
        )
    return load_own_data(path, seen, stated, base)


def _as_stated(splits: Splits, stated: StatedTask | None) -> Splits:
    """Return a data set of `DATASETS` with the labels and the preparation that the user states."""
    if stated is None or stated.is_empty:
        return splits
    try:
        task = stated.task(*DIGITS.tensor_shape, DIGITS.labels)
    except ValueError as error:
        raise UsageError(
            f"{splits.test.name}: The stated labels, size or preparation cannot be used: {error}."
        ) from error
    if task.tensor_shape != DIGITS.tensor_shape or len(task.labels) != len(DIGITS.labels):
        raise UsageError(
            f"The data set {splits.test.name} has gray images of 28x28 pixels and ten classes, but others are stated, "
            "by an option or by the exported file. Give the data that they belong to as --data PATH."
        )
    # The same names in another order: renumber the labels. Other names: only rename the classes.
    is_reordered = set(task.labels) == set(DIGITS.labels)
    number_of = np.array([task.labels.index(name) if is_reordered else at for at, name in enumerate(DIGITS.labels)])
    train, test = (replace(part, labels=number_of[part.labels].astype(part.labels.dtype), task=task) for part in splits)
    return splits._replace(train=train, test=test)


def _load(name: str) -> Splits:
    load: Callable[[], Splits] = pkgutil.resolve_name(DATASETS[name])
    return load()


def _auto() -> Splits:
    from mnist_trainer.data import mnist

    is_local = mnist.is_local()
    try:
        return mnist.load()
    except DataError as error:
        if is_local:
            raise
        echo(f"note: MNIST is not available; using scikit-learn's 1,797 digits instead. {error}")
        return _load("digits")
