"""`require_readable_hdf5`: read a file in a process of its own first, since a mangled one can end the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mnist_trainer.errors import ModelError

__all__ = ["require_readable_hdf5"]

READ_ALL = """
import sys, h5py

def read(name, item):
    dict(item.attrs)
    if isinstance(item, h5py.Dataset):
        item[()]

with h5py.File(sys.argv[1]) as file:
    read("", file)
    file.visititems(read)
"""
PATIENCE = 30
"""Seconds; a model of a gigabyte takes a few."""


def require_readable_hdf5(path: Path) -> None:
    """Be sure that all of the HDF5 file at `path` can be read. HDF5 is C: changed bytes may crash or hold it for ever.

    Raises
    ------
    ModelError
        If it cannot.
    """
    try:
        # Without -P, an h5py.py in the folder where the command runs would be imported, beside a model say.
        command = [sys.executable, "-P", "-c", READ_ALL, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired as error:
        raise ModelError("expected a whole HDF5 file, reading this one does not end; copy or save it again.") from error
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        why = said[-1][:300] if done.returncode > 0 and said else "it crashes the HDF5 library"
        raise ModelError(f"expected a whole HDF5 file, this one is damaged ({why}); copy or save it again.")
