"""Read a file or folder of labelled images in any supported format."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from mnist_runtime.errors import raise_machine_failure
from mnist_trainer.data.files import csv_file, folder, idx_files, npz_file
from mnist_trainer.data.files.arrays.parts import LoadedData
from mnist_trainer.data.files.bounded import head
from mnist_trainer.data.files.pictures import in_table
from mnist_trainer.data.files.rows import is_table
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.errors import DataError, MachineError, nearest_path

__all__ = ["OTHER_FORMS", "read_any_form"]

ACCEPTED = (
    "a CSV or .npz file, a folder of pictures in a folder for each label, a table of pictures with their labels, or a "
    "folder with IDX files"
)


class Form(NamedTuple):
    """A file format that is not supported: its first bytes, its name, and what the user can do."""

    magic: bytes
    name: str
    fix: str


SAVE = "np.savez('digits.npz', images=images, labels=labels)"
CONVERT = f"Load it where it was written, then save its arrays with {SAVE}."
PICTURE = "Put pictures into folders named 0/ to 9/, and give the folder above them."

OTHER_FORMS: tuple[Form, ...] = (
    Form(b"\x93NUMPY", "a single NumPy array (.npy)", f"Save images and labels in one file: {SAVE}."),
    Form(b"PAR1", "a Parquet file", f"Read it with pandas.read_parquet and save its arrays with {SAVE}."),
    Form(b"\x89HDF\r\n\x1a\n", "an HDF5 file", f"Read it with h5py and save its arrays with {SAVE}."),
    Form(b"MATLAB", "a MATLAB file", f"Read it with scipy.io.loadmat and save its arrays with {SAVE}."),
    Form(b"\x80", "a Python pickle (it can run code)", CONVERT),
    Form(b"PK", "a zip archive without arrays", "Unpack it and give the folder."),
    Form(b"\xfd7zXZ", "an xz archive", "Unpack it."),
    Form(b"BZh", "a bzip2 archive", "Unpack it."),
    Form(b"7z\xbc\xaf", "a 7z archive", "Unpack it."),
    Form(b"\x89PNG", "a single picture (PNG)", PICTURE),
    Form(b"\xff\xd8\xff", "a single picture (JPEG)", PICTURE),
    Form(b"BM", "a single picture (BMP)", PICTURE),
    Form(b"GIF8", "a single picture (GIF)", PICTURE),
    Form(b"\xff\xfe", "text in UTF-16", "Save it as UTF-8."),
    Form(b"\xfe\xff", "text in UTF-16", "Save it as UTF-8."),
    Form(b"version https://git-lfs", "a Git LFS pointer to the data", "Run git lfs pull."),
    Form(b"<!DOCTYPE", "a web page", "Download the data itself, not the page about it."),
    Form(b"<html", "a web page", "Download the data itself, not the page about it."),
    Form(b"%", "an ARFF file or a text with comments", f"Read it with scipy.io.arff and save its arrays with {SAVE}."),
    Form(b"@", "an ARFF file", f"Read it with scipy.io.arff and save its arrays with {SAVE}."),
    Form(b"{", "JSON", f"Read it with json.load and save its arrays with {SAVE}."),
    Form(b"[", "JSON", f"Read it with json.load and save its arrays with {SAVE}."),
)
"""What is not read as a data set, in the order in which the first bytes are compared."""


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
