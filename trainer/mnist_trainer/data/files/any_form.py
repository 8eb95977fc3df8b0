"""Read a file or folder of labelled images in any supported format."""

from __future__ import annotations

from pathlib import Path

from mnist_runtime.errors import raise_machine_failure
from mnist_trainer.data.files import csv_file, folder, idx_files, npz_file
from mnist_trainer.data.files.arrays.parts import LoadedData
from mnist_trainer.data.files.bounded import head
from mnist_trainer.data.files.forms import OTHER_FORMS
from mnist_trainer.data.files.pictures import in_table
from mnist_trainer.data.files.rows import is_table
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.errors import DataError, MachineError, nearest_path

__all__ = ["read_any_form"]

ACCEPTED = (
    "a CSV or .npz file, a folder of pictures in a folder for each label, a table of pictures with their labels, or a "
    "folder with IDX files"
)


def read_any_form(path: Path, stated: StatedTask) -> LoadedData:
    """Read a CSV or ``.npz`` file, a table of pictures, or a folder of IDX files, CSV files or pictures.

    Parameters
    ----------
    path : Path
        The file or folder.
    stated : StatedTask
        Known facts about the images and classes.

    Raises
    ------
    DataError
        If something is missing, unreadable or out of range.
    MachineError
        If there is too little memory.
    """
    try:
        return _read(path, stated)
    except OSError as error:
        raise_machine_failure(error)
        raise DataError(f"{path} cannot be read ({error.strerror or error}). Check its permissions.") from error
    except MemoryError as error:
        raise MachineError(f"{path}: There is too little memory for the data. Give a part of it.") from error


def _read(path: Path, stated: StatedTask) -> LoadedData:
    if path.is_dir():
        return folder.load(path, stated)
    if not path.exists():
        raise DataError(f"There is no data set at {path}.{nearest_path(path) or ' Check the path.'}")
    if not path.is_file():
        raise DataError(f"{path}: This is neither a file nor a folder. Give {ACCEPTED}.")
    start = head(path)
    if npz_file.array_names(path):
        return npz_file.load(path, stated)
    if not start:
        raise DataError(f"{path}: The file is empty. Copy or save it again.")
    if path.suffix == ".npz":
        npz_file.read_npz(path, ())  # raises a specific error if it is not an archive
    if idx_files.is_idx(start):
        raise DataError(
            f"{path}: This is one IDX file, which has images or labels only. Give the folder that has all of them: "
            f"{path.parent}"
        )
    for magic, name, fix in OTHER_FORMS:
        if start[:64].lstrip(b" \t\r\n").lower().startswith(magic.lower()):
            raise DataError(f"{path}: This is {name}, which is not read as a data set. {fix}")
    if b"\0" not in start and (table := in_table.find(path)):
        return in_table.load([table], stated)
    if is_table(start):
        return csv_file.load(path, stated)
    raise DataError(f"{path}: The file is of an unknown kind. Give {ACCEPTED}.")
