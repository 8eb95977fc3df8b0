"""Check an untrusted HDF5 file: it must contain all of its data itself, and be readable to the end.

The HDF5 library silently follows links to other files and reads data from them. A damaged file can make it crash or
loop forever. So a file is first checked in a child process; see `mnist_trainer.model_io.isolation.trial`.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import h5py

from mnist_trainer.errors import ModelError
from mnist_trainer.model_io.isolation.private_copy import MOST_BYTES

__all__ = ["check_hdf5"]

SAVE = "Save the model again where it was made, into one file."

MOST_OBJECTS = 100_000
"""Largest number of links in the file. A layer has about five."""


def check_hdf5(path: Path) -> None:
    """Read the whole HDF5 file at `path`.

    No other file is opened: links, external storage and virtual data sets are detected before they are followed. Sizes
    are added up before anything is decompressed.

    Raises
    ------
    ModelError
        If it refers to other files, or its data has more than `MOST_BYTES`.
    OSError, RuntimeError, ValueError
        If it is damaged.
    """
    with h5py.File(path) as file:
        _check_links(file)
        objects: list[Any] = [file]
        file.visititems(lambda _, item: objects.append(item))
        datasets = [item for item in objects if isinstance(item, h5py.Dataset)]
        total = 0
        for dataset in datasets:
            # Check these before the shape: the shape of a virtual data set is read from other files.
            if dataset.is_virtual or dataset.external:
                kind = "virtual data set" if dataset.is_virtual else "external storage"
                raise ModelError(f"The HDF5 file takes data from other files ({kind}). {SAVE}")
            total += dataset.nbytes
            if total > MOST_BYTES:
                raise ModelError(
                    f"The HDF5 file gives its data sets more than {MOST_BYTES / 2**30:,.3g} GiB. No model of small "
                    "images is that large."
                )
        for item in objects:
            dict(item.attrs)
        for dataset in datasets:
            dataset[()]


def _check_links(file: Any) -> None:
    count = itertools.count(1)

    def problem(_: str, link: object) -> str | None:  # HDF5 would not pass on an exception
        if next(count) > MOST_OBJECTS:
            return f"has more than {MOST_OBJECTS:,} objects. No model of small images has."
        return f"takes data from other files (external link). {SAVE}" if isinstance(link, h5py.ExternalLink) else None

    if found := file.visititems_links(problem):
        raise ModelError(f"The HDF5 file {found}")
