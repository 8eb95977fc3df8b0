"""Detect the format of a file by its content, and advise the user if it is not a Keras model.

This module imports no large package.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

__all__ = ["HDF5", "unsuitable"]

EXPORTED = "a file made by this toolkit or another converter. Give the Keras model that it was made from"
PYTORCH = "a PyTorch file. Build the same layers in Keras, copy the weights and call model.save('model.keras')"
PICKLE = "a pickle, which runs code when it is read. Call model.save('model.keras') where it was made"
WEIGHTS = "a file of weights only. Build the model, load the weights and call model.save('model.keras')"
FOLDER = "one file of a SavedModel. Give the folder that contains it"
CONFIG = "a configuration without weights. Build the model, load the weights and call model.save('model.keras')"
ARCHIVE = "a packed folder. Unpack it and give the folder or the file inside it"
PAGE = "a page of a web site, not the file that it links to. Download the file itself"
DAMAGED = "damaged: it does not begin as such a file does. Copy or save it again"
UNKNOWN = "of an unknown kind. Save the model with model.save('model.keras')"

HDF5 = b"\x89HDF\r\n\x1a\n"
"""First bytes of an HDF5 file."""
ZIP = b"PK\x03\x04"

CONTENTS: tuple[tuple[bytes, str], ...] = (
    (rb".{4}TFL3", EXPORTED),
    (rb"\x08\x01\x12", FOLDER),  # schema version 1 and a graph
    (rb"\x08[\x02-\x20](\x12|\x1a|\x22|\x3a|\x42)", EXPORTED),  # ONNX: version and producer name
    (rb"\x93NUMPY", WEIGHTS),
    (rb".{8}\{", WEIGHTS),  # safetensors: a size and JSON
    (rb"\x80[\x02-\x05]", PICKLE),
    (rb"\x1f\x8b|BZh|7z|\xfd7zXZ|Rar!", ARCHIVE),
    (rb"\s*<(!DOCTYPE|html|\?xml)", PAGE),
    (rb"\s*[{\[]", CONFIG),
)
"""Regular expression for the first bytes of a file -> what it is and what to do. The first match counts."""

MEMBERS: tuple[tuple[str, str], ...] = (
    (r"config\.json|model\.weights\.(h5|npz)", ""),
    (r"(.*/)?saved_model\.pb", ARCHIVE),
    (r"(.*/)?(data|constants)\.pkl", PYTORCH),
    (r".*\.npy", WEIGHTS),
    (r".*\.(keras|h5|hdf5)", ARCHIVE),
)
"""Regular expression for a member of a zip file -> what the file is and what to do; empty for a Keras model."""

SUFFIXES: dict[str, str] = {
    ".onnx": EXPORTED,
    ".tflite": EXPORTED,
    ".c": "C code. Compare it with its original: mnist-export verify FILE --against MODEL",
    ".pt": PYTORCH,
    ".pth": PYTORCH,
    ".pkl": PICKLE,
    ".pickle": PICKLE,
    ".pb": FOLDER,
    ".json": CONFIG,
    ".ckpt": WEIGHTS,
    ".index": WEIGHTS,
    ".npz": WEIGHTS,
    ".safetensors": WEIGHTS,
    ".keras": DAMAGED,
    ".h5": DAMAGED,
    ".hdf5": DAMAGED,
}
"""Suffix of a file whose content is not in the tables above -> what it is and what to do."""


def unsuitable(path: Path, head: bytes) -> str:
    """Return what the file at `path` is and what to do, or an empty string if it may be a Keras model.

    Parameters
    ----------
    path : Path
        A file.
    head : bytes
        Its first bytes: at least 16, unless the file is shorter.
    """
    if head.startswith(HDF5):
        return ""
    if head.startswith(ZIP):
        return _zip_kind(path)
    suffix = path.suffix.lower()
    by_content = next((kind for start, kind in CONTENTS if re.match(start, head, re.DOTALL | re.IGNORECASE)), None)
    by_suffix = SUFFIXES.get(suffix, UNKNOWN)
    if by_content is None or (by_content == PICKLE and by_suffix == PYTORCH):
        return by_suffix  # before 1.6, PyTorch wrote plain pickles
    return by_content


def _zip_kind(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as file:
            names = file.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return "" if path.suffix.lower() == ".keras" else SUFFIXES.get(path.suffix.lower(), DAMAGED)
    kinds = (kind for member, kind in MEMBERS if any(re.fullmatch(member, name) for name in names))
    return next(kinds, "" if path.suffix.lower() == ".keras" else ARCHIVE)
