"""`read_npz`: the arrays of an ``.npz`` file, or a clear error."""

from __future__ import annotations

import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_trainer.errors import DataError

__all__ = ["read_npz"]


def read_npz(path: Path, keys: Collection[str]) -> dict[str, npt.NDArray[Any]]:
    """Read those of the arrays `keys` that the file at `path` holds; no pickled object is ever loaded.

    Raises
    ------
    DataError
        If the file cannot be read, is not an ``.npz`` archive, or is damaged.
    """
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path}: expected an .npz file of arrays, received another or a truncated one; get it again.")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files if key in keys}
            return {key: array for key, array in arrays.items() if isinstance(array, np.ndarray)}
    except Exception as error:  # zipfile, zlib and NumPy raise many kinds for a damaged or hostile file
        raise DataError(f"{path}: expected an .npz file of arrays, could not read it ({error}).") from error
