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
from mnist_trainer.errors import DataError

__all__ = ["load"]

TEST_SHARE = 0.8
"""Share of an undivided set that proves or reports; the rest trains or calibrates."""

SPLIT_KEYS = ("x_train", "y_train", "x_test", "y_test")
WHOLE_KEYS = ("images", "labels")


def load(path: Path) -> Splits:
    """Load the user's own images.

    Parameters
    ----------
    path : Path
        An ``.npz`` file with ``x_train, y_train, x_test, y_test`` or with ``images, labels``: uint8
        ``(n, 28, 28[, 1])``, white on black, and integers 0..9. Or a folder with the pictures of each digit in
        ``0/`` to ``9/``, or with two such folders, ``train/`` and ``test/``; pictures are prepared as the device
        does it. A set that is not divided is divided here, always alike: a fifth to train, the rest to test.

    Raises
    ------
    DataError
        If anything is missing, unreadable or out of range.
    """
    if path.is_dir():
        return _load_folder(path)
    if path.is_file():
        return _load_npz(path)
    raise DataError(f"Expected a data set at {path}, found nothing; check the path.")


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
        f"{path}: expected the arrays {', '.join(SPLIT_KEYS)} or {', '.join(WHOLE_KEYS)}, "
        f"received {', '.join(arrays) or 'none of them'}."
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
                raise DataError(f"{file}: cannot be used, {error} Mend or remove it.") from error
            labels.append(digit)
    if not images:
        raise DataError(f"{folder}: expected pictures in folders 0/ to 9/, found none.")
    return _dataset(path, split, np.stack(images), np.array(labels))


def _dataset(path: Path, split: str, images: npt.NDArray[Any], labels: npt.NDArray[Any]) -> Dataset:
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if not np.issubdtype(labels.dtype, np.integer):
        raise DataError(f"{path}: expected integer labels 0..9, received dtype {labels.dtype}.")
    if labels.size and (labels.min() < 0 or labels.max() > 9):
        wrong = int(np.flatnonzero((labels.ravel() < 0) | (labels.ravel() > 9))[0])
        raise DataError(f"{path}: expected labels 0..9, received {int(labels.ravel()[wrong])} at index {wrong}.")
    return Dataset(path.resolve().name, split, "the user's own images", images, labels.astype(np.uint8))


def _divide(whole: Dataset) -> Splits:
    return hold_out(whole, round(len(whole) * TEST_SHARE), seed=0, names=("train", "test"))
