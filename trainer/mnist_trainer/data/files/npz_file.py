"""Read the arrays of an ``.npz`` file that may come from an untrusted source."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import first_line, raise_machine_failure
from mnist_trainer.data.files.arrays.parts import LoadedData, Part, read_parts
from mnist_trainer.data.files.bounded import MOST_BYTES
from mnist_trainer.data.files.names import ARRAY_NAMES, CLASS_NAMES, VALIDATION_ARRAYS
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.errors import DataError

__all__ = ["array_names", "load", "read_npz"]

LARGEST_HEADER = 1 << 16
"""Number of bytes at the start of an array that must contain its header (type and shape), usually about 100 bytes."""

PICKLED = "Object arrays cannot be loaded"
"""Beginning of NumPy's error message for an array of Python objects."""


def array_names(path: Path) -> list[str]:
    """Return the names of the arrays in the npz archive at `path`; an empty list if it is not a zip file."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    except OSError as error:
        raise_machine_failure(error)
        return []
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError):
        return []


def read_npz(path: Path, keys: Collection[str]) -> dict[str, npt.NDArray[Any]]:
    """Read those arrays of `keys` that the file at `path` contains. Pickled objects are never loaded.

    Raises
    ------
    DataError
        If the file cannot be read, is not an ``.npz`` archive, is too large, or holds Python objects.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_headers(path, archive, keys)
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            read = {key: arrays[key] for key in arrays.files if key in keys}
            return {key: array for key, array in read.items() if isinstance(array, np.ndarray)}
    except DataError:
        raise
    except zipfile.BadZipFile as error:
        raise DataError(f"{path}: This is not an .npz file, or it is incomplete. Save or copy it again.") from error
    except MemoryError:
        raise
    except Exception as error:  # zipfile, zlib and NumPy raise many kinds for a damaged or hostile file
        raise_machine_failure(error)
        if PICKLED in str(error):
            raise DataError(
                f"{path}: An array holds Python objects, which are not loaded, since they can run code. Save it as "
                "numbers: np.array(list, dtype='uint8')."
            ) from error
        raise DataError(
            f"{path}: The .npz file cannot be read ({first_line(error)}). Save or copy it again."
        ) from error


def _check_headers(path: Path, archive: zipfile.ZipFile, keys: Collection[str]) -> None:
    """Check sizes before anything is decompressed, because a header can declare any size."""
    total = 0
    for member in archive.infolist():
        if member.filename.removesuffix(".npy") not in keys:
            continue
        with archive.open(member) as file:
            start = io.BytesIO(file.read(LARGEST_HEADER))  # limit what NumPy reads: the header declares its length
        forms: Any = np.lib.format  # it has no types
        is_first = forms.read_magic(start) == (1, 0)
        shape, _, dtype = (forms.read_array_header_1_0 if is_first else forms.read_array_header_2_0)(start)
        size = int(np.prod([int(side) for side in shape], dtype=object)) * dtype.itemsize
        total += max(size, member.file_size)
        if total > MOST_BYTES:
            raise DataError(
                f"{path}: The arrays take more than {MOST_BYTES >> 30} GiB. Give a part, or save the pixels as uint8."
            )


def load(path: Path, stated: StatedTask | None = None) -> LoadedData:
    """Load images and labels from the ``.npz`` file at `path`, from arrays with the names in `ARRAY_NAMES`.

    If there is no test split with labels, the validation split takes its place. An array of text with a name in
    `CLASS_NAMES` gives the class names, unless `stated` has them.

    Raises
    ------
    DataError
        If the file cannot be read, or arrays are missing or do not contain images and labels.
    """
    present: dict[str, str] = {}
    for name in array_names(path):
        present.setdefault(name.lower(), name)
    names = _names(set(present))
    if not names:
        read_npz(path, ())  # raises a better message if the file is damaged
        found = ", ".join(sorted(present.values())[:8]) or "none"
        raise DataError(
            f"{path}: Arrays are missing; found {found}. The file needs {', '.join(ARRAY_NAMES[0])}, or images, labels."
        )
    named = [present[name] for name in CLASS_NAMES if name in present]
    arrays = read_npz(path, {present[name] for name in names} | set(named))
    if missing := [present[name] for name in names if present[name] not in arrays]:
        raise DataError(f"{path}: {', '.join(missing)} cannot be read as arrays. Save them again with np.savez.")
    chosen = [present[name] for name in names]
    pairs = zip(chosen[::2], chosen[1::2], strict=True)
    parts = [Part(arrays[images], arrays[labels], f"{path} ({images}, {labels})") for images, labels in pairs]
    texts = (arrays[name] for name in named if name in arrays and arrays[name].dtype.kind == "U")
    class_names = next((tuple(text.ravel().tolist()) for text in texts), None)
    reading = read_parts(parts, f"arrays {', '.join(chosen)}", stated or StatedTask(), class_names)
    return replace(reading, notes=(*reading.notes, *_notes(path, present, names)))


def _names(present: set[str]) -> tuple[str, ...]:
    """Return the first row of `ARRAY_NAMES` whose arrays exist.

    If its training half exists, but no labels of test images, a pair of `VALIDATION_ARRAYS` takes the place of the
    other half, if there is one.
    """
    for names in ARRAY_NAMES:
        if set(names) <= present:
            return names
        if len(names) == 4 and set(names[:2]) <= present and names[3] not in present:
            held_out = next((pair for pair in VALIDATION_ARRAYS if present.issuperset(pair)), ())
            return (*names[:2], *held_out)
    return ()


def _notes(path: Path, present: dict[str, str], names: Collection[str]) -> list[str]:
    """Return notes on the test and validation images that are not read; `names` are those of the arrays that are."""
    pairs = [*(row[2:] for row in ARRAY_NAMES if len(row) == 4), *VALIDATION_ARRAYS]
    unlabelled = [images for images, labels in pairs if images in present and labels not in present]
    notes = [f"{path}: {present[name]} has no labels and is not read" for name in unlabelled]
    known = {*names, *unlabelled}
    if extra := [present[name] for pair in VALIDATION_ARRAYS for name in pair if name in present and name not in known]:
        notes.append(f"{path}: {', '.join(extra)} {'are' if len(extra) > 1 else 'is'} not read")
    return notes
