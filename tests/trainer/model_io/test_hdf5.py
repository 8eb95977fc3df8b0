import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from mnist_trainer import ModelError
from mnist_trainer.model_io.keras_file.hdf5 import check_hdf5


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import os; os.abort()", "crashes the HDF5 library"),
        ("import time; time.sleep(60)", "does not end"),
        ("raise OSError('bad heap')", r"damaged \(OSError: bad heap\)"),
    ],
)
def test_a_crash_a_timeout_and_an_error_are_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, words: str
) -> None:
    monkeypatch.setattr("mnist_trainer.model_io.keras_file.hdf5.PROBE", [sys.executable, "-c", script])
    if "sleep" in script:
        monkeypatch.setattr("mnist_trainer.model_io.keras_file.hdf5.TIMEOUT", 0.5)
    with pytest.raises(ModelError, match=words):
        check_hdf5(tmp_path / "mine.h5")


def test_no_module_beside_the_model_is_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "h5py.py").write_text("import pathlib\npathlib.Path('ran').touch()\nraise SystemExit(0)\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="FileNotFoundError"):
        check_hdf5(tmp_path / "missing.h5")
    assert not Path("ran").exists()


def test_a_whole_file_passes_and_every_part_of_it_is_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "mine.h5", "w") as file:
        file.attrs["version"] = "3"
        weights = file.create_dataset("layers/weights", data=np.arange(10_000), compression="gzip")
        file.flush()
        start = weights.id.get_chunk_info(0).byte_offset
    check_hdf5(tmp_path / "mine.h5")
    content = bytearray((tmp_path / "mine.h5").read_bytes())
    content[start + 50 : start + 100] = bytes(50)
    (tmp_path / "mine.h5").write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        check_hdf5(tmp_path / "mine.h5")
