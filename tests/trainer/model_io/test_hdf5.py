from pathlib import Path

import pytest

from mnist_trainer import ModelError
from mnist_trainer.model_io.hdf5 import require_readable_hdf5


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import os; os.abort()", "crashes the HDF5 library"),
        ("import time; time.sleep(60)", "does not end"),
        ("raise OSError('bad heap')", r"damaged \(OSError: bad heap\)"),
    ],
)
def test_whatever_reading_does_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, words: str
) -> None:
    monkeypatch.setattr("mnist_trainer.model_io.hdf5.READ_ALL", script)
    if "sleep" in script:
        monkeypatch.setattr("mnist_trainer.model_io.hdf5.PATIENCE", 0.5)
    with pytest.raises(ModelError, match=words):
        require_readable_hdf5(tmp_path / "mine.h5")


def test_nothing_beside_the_model_is_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "h5py.py").write_text("import pathlib\npathlib.Path('ran').touch()\nraise SystemExit(0)\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="FileNotFoundError"):
        require_readable_hdf5(tmp_path / "missing.h5")
    assert not Path("ran").exists()
