"""MNIST: 60,000 training and 10,000 test images, from a folder, the Keras cache or a download, checked by SHA-256.

Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
Proceedings of the IEEE 86(11), 1998.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import first_line, raise_machine_failure
from mnist_runtime.system.terminal import is_quiet
from mnist_trainer.data.dataset import Dataset, Splits
from mnist_trainer.data.files import idx_files
from mnist_trainer.data.files.names import idx_name
from mnist_trainer.data.files.npz_file import read_npz
from mnist_trainer.errors import DataError
from mnist_trainer.keras_support import import_tensorflow

__all__ = ["is_local", "load", "load_folder"]

DOWNLOAD_TIMEOUT = 10.0
"""Timeout of the download: it fails after this many seconds without an answer."""

IDX_FILES = {
    "x_train": "train-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}

SHAPES: dict[str, tuple[int, ...]] = {
    "x_train": (60000, 28, 28),
    "y_train": (60000,),
    "x_test": (10000, 28, 28),
    "y_test": (10000,),
}

DIGESTS = {
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
"""Array -> SHA-256 of its pixels or labels without the file header: the same for IDX files and for mnist.npz."""

Arrays = Mapping[str, npt.NDArray[np.uint8]]


def load() -> Splits:
    """Load MNIST from ``MNIST_DIR``, from the Keras cache, or by a download with Keras.

    ``MNIST_DIR`` is a folder with the four IDX files, compressed with gzip or not, or with ``mnist.npz``. If this
    variable is set, no other source is tried, and a damaged data set in the folder is an error.

    Returns
    -------
    Splits
        60,000 training and 10,000 test images.

    Raises
    ------
    DataError
        If the files are missing, cannot be downloaded, or differ from the published ones.

    Examples
    --------
    >>> train, test = load()  # doctest: +SKIP
    >>> len(train), len(test)  # doctest: +SKIP
    (60000, 10000)
    """
    if folder := os.environ.get("MNIST_DIR"):
        return load_folder(Path(folder))
    if _keras_cache().is_file():
        return _checked(_read_npz(_keras_cache()), "the Keras cache")
    return _checked(_download(), "a download")


def load_folder(folder: Path) -> Splits:
    """Load MNIST from a folder with the four IDX files, compressed or not, or with ``mnist.npz``; see `load`.

    Raises
    ------
    DataError
        If the files are missing or differ from the published ones.
    """
    if (folder / "mnist.npz").is_file():
        return _checked(_read_npz(folder / "mnist.npz"), "mnist.npz")
    found = idx_files.find(folder)
    parts = {key: (name.split, name.holds) for key, file in IDX_FILES.items() if (name := idx_name(file))}
    if missing := [file for key, file in IDX_FILES.items() if parts[key] not in found]:
        raise DataError(
            f"MNIST_DIR: The folder {folder} contains no mnist.npz, and of the four IDX files {', '.join(missing)} "
            "is missing. Set MNIST_DIR to the right folder, or unset it to use the Keras cache or a download."
        )
    return _checked({key: idx_files.read_idx(found[part]) for key, part in parts.items()}, "the IDX files")


def is_local() -> bool:
    """Return whether `load` finds MNIST on this machine and needs no download."""
    return bool(os.environ.get("MNIST_DIR")) or _keras_cache().is_file()


def _keras_cache() -> Path:
    """Return the path to which Keras downloads MNIST."""
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    return Path(home) / "datasets" / "mnist.npz"


def _read_npz(path: Path) -> Arrays:
    arrays = read_npz(path, SHAPES)
    if missing := [key for key in SHAPES if key not in arrays]:
        raise DataError(f"{path}: The arrays {', '.join(missing)} are missing. Delete the file and download it again.")
    return arrays


def _download() -> Arrays:
    """Download MNIST into the Keras cache. The progress bar goes to stderr or is hidden: stdout is for results."""
    import_tensorflow()
    import keras

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT)
    try:
        with contextlib.redirect_stdout(io.StringIO() if is_quiet() else sys.stderr):
            (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception if a download fails
        raise_machine_failure(error)
        raise DataError(
            f"MNIST cannot be downloaded ({first_line(error)}). Set MNIST_DIR to a folder with the four IDX files, or "
            "use --data digits, which needs no download."
        ) from error
    finally:
        socket.setdefaulttimeout(before)
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def _checked(arrays: Arrays, source: str) -> Splits:
    for key, array in arrays.items():
        if array.shape != SHAPES[key]:
            raise DataError(
                f"mnist: {key} from {source} has shape {array.shape} instead of {SHAPES[key]}. Download it again."
            )
        if hashlib.sha256(array.tobytes()).hexdigest() != DIGESTS[key]:
            raise DataError(
                f"mnist: {key} from {source} differs from the published data (SHA-256). Download it again; give your "
                "own images as a path."
            )
    provenance = f"MNIST (LeCun et al. 1998), read from {source}"
    return Splits(
        Dataset("mnist", "train", provenance, arrays["x_train"], arrays["y_train"]),
        Dataset("mnist", "test", provenance, arrays["x_test"], arrays["y_test"]),
    )
