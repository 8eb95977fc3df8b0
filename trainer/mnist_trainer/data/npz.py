"""Read the arrays of an ``.npz`` file from an unknown source."""

from __future__ import annotations

import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import first_line
from mnist_trainer.errors import DataError

__all__ = ["read_npz"]


def read_npz(path: Path, keys: Collection[str]) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays named in `keys` from the file at `path`, as far as present. Pickled objects are never loaded.

    Raises
    ------
    DataError
        If the file cannot be read, is not an ``.npz`` archive, or is damaged.
    """
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path}: This is not an .npz file, or it is incomplete. Save or copy it again.")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files if key in keys}
            return {key: array for key, array in arrays.items() if isinstance(array, np.ndarray)}
    except Exception as error:  # zipfile, zlib and NumPy raise many kinds for a damaged or hostile file
        raise DataError(
            f"{path}: The .npz file cannot be read ({first_line(error)}). Save or copy it again."
        ) from error
