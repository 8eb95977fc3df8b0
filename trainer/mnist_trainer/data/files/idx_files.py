"""Read IDX files, the format in which MNIST is published, compressed or not, with ``-`` or ``.`` in their names."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import raise_machine_failure
from mnist_trainer.data.files.arrays.parts import LoadedData, Part, read_parts
from mnist_trainer.data.files.bounded import unpacked
from mnist_trainer.data.files.names import idx_name
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.errors import DataError

__all__ = ["FOLDERS", "find", "is_idx", "load", "parse", "read_idx"]

TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
"""Third byte of an IDX file -> NumPy type of its numbers."""
FOLDERS = ("", "raw", "MNIST/raw")
"""Subfolders in which the files are searched. The last two are those of torchvision."""

LARGEST_MAPPING = 1 << 16
MIRRORED = (
    "EMNIST publishes its images mirrored at the diagonal, but a device sees them upright. If these are mirrored, save "
    "images.transpose(0, 2, 1) with np.savez"
)

Files = dict[tuple[str, str], Path]


def is_idx(start: bytes) -> bool:
    """Return whether `start` is the beginning of an IDX file."""
    return len(start) >= 4 and start[:2] == b"\0\0" and start[2] in TYPES and 1 <= start[3] <= 4


def parse(raw: bytes, where: str) -> npt.NDArray[Any]:
    """Return the array in the bytes of an IDX file: magic (0, 0, type, dimensions), big-endian sizes, numbers.

    Parameters
    ----------
    raw : bytes
        Decompressed content of the file.
    where : str
        Name of the file, for messages.

    Raises
    ------
    DataError
        If these are not the bytes of an IDX file.

    Examples
    --------
    >>> parse(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]), "here")
    array([7, 9], dtype=uint8)
    """
    if not is_idx(raw):
        raise DataError(f"{where}: This is not an IDX file. Copy or download it again.")
    header = 4 + 4 * raw[3]
    shape = tuple(int(size) for size in np.frombuffer(raw[4 : min(header, len(raw) // 4 * 4)], dtype=">u4"))
    dtype = np.dtype(TYPES[raw[2]])
    size = math.prod(shape) * dtype.itemsize
    if len(shape) != raw[3] or len(raw) - header != size:
        raise DataError(
            f"{where}: The IDX header gives {size:,} bytes of data, but there are {max(0, len(raw) - header):,}. Copy "
            "or download it again."
        )
    return np.frombuffer(raw, dtype=dtype, offset=header).reshape(shape)


def read_idx(path: Path) -> npt.NDArray[Any]:
    """Return the array in the IDX file at `path`, compressed with gzip or not."""
    return parse(unpacked(path), str(path))


def find(folder: Path) -> Files:
    """Return the IDX files in `folder` or its `FOLDERS`: (split, ``"images"`` or ``"labels"``) -> path.

    If a file exists both compressed and decompressed, the decompressed one is returned.

    Raises
    ------
    DataError
        If the folder contains several data sets.
    """
    for below in FOLDERS:
        sets: dict[str, Files] = {}
        for file, (set_name, split, holds) in _named(folder / below):
            files = sets.setdefault(set_name, {})
            known = files.get((split, holds))
            if known is None or known.suffix.lower() == ".gz":
                files[split, holds] = file
        if len(sets) > 1:
            names = ", ".join(sorted(name or "(no name)" for name in sets))
            raise DataError(
                f"{folder / below}: There are IDX files of several sets: {names}. Leave one set in the folder."
            )
        if sets:
            return next(iter(sets.values()))
    return {}


def _named(folder: Path) -> Iterator[tuple[Path, Any]]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise_machine_failure(error)
        return
    for entry in entries:
        if (name := idx_name(entry.name)) and entry.is_file():
            yield entry, name


def load(files: Files, folder: Path, stated: StatedTask) -> LoadedData:
    """Load the data set in `files`, which `find` returned for `folder`; `stated` contains known facts about it.

    Raises
    ------
    DataError
        If a file is missing or cannot be read.
    """
    reading = read_parts(_splits(files, folder), f"{len(files)} IDX files", stated, _names(files))
    if _set_name(files).startswith("emnist") and not reading.task.is_mnist:
        return replace(reading, notes=(*reading.notes, MIRRORED))
    return reading


def _set_name(files: Files) -> str:
    """Return the name of the data set from its file names, such as ``"emnist-letters"``."""
    name = idx_name(next(iter(files.values())).name)
    return name.set_name if name else ""


def _names(files: Files) -> tuple[str, ...] | None:
    """Return the class names from EMNIST's mapping file beside the IDX files, in the order of the labels.

    Each line has a label and the code of its character. A letter has a second code, that of its lower case form.
    """
    path = next(iter(files.values())).with_name(f"{_set_name(files)}-mapping.txt")
    try:
        with path.open(encoding="ascii") as file:
            lines = file.read(LARGEST_MAPPING).splitlines()
        rows = [list(map(int, line.split()[:2])) for line in lines if line.strip()]
        return tuple(chr(code) for _, code in sorted(rows)) if len(rows) > 1 else None
    except (OSError, ValueError, OverflowError):
        return None


def _splits(files: Files, folder: Path) -> Iterator[Part]:
    for split in ("train", "test"):
        images, labels = (files.get((split, holds)) for holds in ("images", "labels"))
        if images is None and labels is None:
            continue
        if images is None or labels is None:
            lacking, present = ("labels", images) if images else ("images", labels)
            raise DataError(
                f"{folder}: The {lacking} for {present.name if present else split} are missing. Put both IDX files "
                "into the folder."
            )
        yield Part(read_idx(images), read_idx(labels), str(images))
