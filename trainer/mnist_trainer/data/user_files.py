"""The user's own digits: an ``.npz`` file, or a folder of pictures sorted into ``0/`` to ``9/``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime import PictureError, prepare
from mnist_runtime.preprocess.decode import read_picture
from mnist_trainer.data.dataset import Dataset, Splits, hold_out
from mnist_trainer.data.npz import read_npz
from mnist_trainer.errors import DataError, nearest_path

__all__ = ["load"]

TEST_FRACTION = 0.8
"""Fraction of an undivided set that becomes the test split; the rest trains or calibrates."""

SPLIT_KEYS = ("x_train", "y_train", "x_test", "y_test")
WHOLE_KEYS = ("images", "labels")


def load(path: Path) -> Splits:
    """Load the user's own images.

    Parameters
    ----------
    path : Path
        An ``.npz`` file with the arrays ``x_train, y_train, x_test, y_test`` or ``images, labels``: images uint8
        ``(n, 28, 28[, 1])``, white on black, and integer labels 0..9. Or a folder with pictures of each digit in
        ``0/`` to ``9/``, or with two such folders, ``train/`` and ``test/``. Pictures are prepared as on a device. An
        undivided set is divided here, always in the same way: a fifth for training, the rest for the test.

    Raises
    ------
    DataError
        If something is missing, unreadable or out of range.
    """
    if path.is_dir():
        return _load_folder(path)
    if path.is_file():
        return _load_npz(path)
    raise DataError(f"There is no data set at {path}.{nearest_path(path) or ' Check the path.'}")


def _load_npz(path: Path) -> Splits:
    arrays = read_npz(path, (*SPLIT_KEYS, *WHOLE_KEYS))
    if set(SPLIT_KEYS) <= set(arrays):
        return Splits(
            _dataset(path, "train", arrays["x_train"], arrays["y_train"]),
            _dataset(path, "test", arrays["x_test"], arrays["y_test"]),
        )
    if set(WHOLE_KEYS) <= set(arrays):
        return _divide(_dataset(path, "all", arrays["images"], arrays["labels"]))
    raise DataError(
        f"{path}: Arrays are missing; found {', '.join(arrays) or 'none'}. The file needs {', '.join(SPLIT_KEYS)}, or "
        f"{', '.join(WHOLE_KEYS)}."
    )


def _load_folder(path: Path) -> Splits:
    if (path / "train").is_dir() and (path / "test").is_dir():
        return Splits(_pictures(path / "train", path, "train"), _pictures(path / "test", path, "test"))
    return _divide(_pictures(path, path, "all"))


def _pictures(folder: Path, path: Path, split: str) -> Dataset:
    images, labels = [], []
    for digit in range(10):
        for file in sorted((folder / str(digit)).glob("*")):
            if file.name.startswith("."):
                continue
            try:
                images.append(prepare(read_picture(file)))
            except PictureError as error:
                problem = str(error).removeprefix(f"{file}: ")
                raise DataError(f"{file}: {problem} Replace or remove the picture.") from error
            labels.append(digit)
    if not images:
        raise DataError(f"{folder}: There are no pictures. Put them into folders named 0/ to 9/.")
    return _dataset(path, split, np.stack(images), np.array(labels))


def _dataset(path: Path, split: str, images: npt.NDArray[Any], labels: npt.NDArray[Any]) -> Dataset:
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if not np.issubdtype(labels.dtype, np.integer):
        raise DataError(f"{path}: The labels have dtype {labels.dtype}. Convert them to integers 0..9.")
    if labels.size and (labels.min() < 0 or labels.max() > 9):
        wrong = int(np.flatnonzero((labels.ravel() < 0) | (labels.ravel() > 9))[0])
        raise DataError(f"{path}: The label at index {wrong} is {int(labels.ravel()[wrong])}. Labels must be 0..9.")
    return Dataset(path.resolve().name, split, "the user's own images", images, labels.astype(np.uint8))


def _divide(whole: Dataset) -> Splits:
    return hold_out(whole, round(len(whole) * TEST_FRACTION), seed=0, names=("train", "test"))
