"""CVE-2019-6446 of NumPy, which recurs wherever ``allow_pickle`` is set: an array of objects is a program."""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_runtime import PictureError
from mnist_runtime.preprocess.decode import read_picture
from mnist_trainer import load_data
from mnist_trainer.errors import DataError


class Trace:
    """A pickle that creates a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_arrays_run_no_pickle(tmp_path: Path) -> None:
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    content.write(pickle.dumps(Trace(tmp_path / "trace")))
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        for name in ("x_train", "y_train", "x_test", "y_test"):
            archive.writestr(f"{name}.npy", content.getvalue())
    (tmp_path / "picture.npy").write_bytes(content.getvalue())
    with pytest.raises(DataError):
        load_data(str(tmp_path / "data.npz"))
    with pytest.raises(PictureError, match="not with a plain array of numbers"):
        read_picture(tmp_path / "picture.npy")
    assert not (tmp_path / "trace").exists()
