"""Check that an HDF5 file can be read, in a separate process, since a damaged file can crash the HDF5 library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mnist_trainer.errors import ModelError

__all__ = ["check_hdf5"]

# -P: modules in the current folder, such as an h5py.py beside the model, must not be imported.
PROBE = [sys.executable, "-P", "-m", "mnist_trainer.model_io.keras_file._hdf5_probe"]

TIMEOUT = 30
"""Time limit in seconds; a model of a gigabyte needs a few."""


def check_hdf5(path: Path) -> None:
    """Check that the whole HDF5 file at `path` can be read. Changed bytes may crash the HDF5 library or block it.

    Raises
    ------
    ModelError
        If it cannot be read.
    """
    try:
        done = subprocess.run([*PROBE, str(path)], capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired as error:
        raise ModelError("The HDF5 file is damaged: reading it does not end. Copy or save it again.") from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        reason = lines[-1][:300] if done.returncode > 0 and lines else "it crashes the HDF5 library"
        raise ModelError(f"The HDF5 file is damaged ({reason}). Copy or save it again.")
