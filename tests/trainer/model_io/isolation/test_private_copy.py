import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from mnist_runtime.errors import MachineError
from mnist_trainer import ModelError, find_model, load_model
from mnist_trainer.model_io import load
from mnist_trainer.model_io.isolation import private_copy
from mnist_trainer.model_io.load import load_with_digest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    load_model("linear").export(tmp_path / "mine", verbose=False)
    return tmp_path / "mine"


def test_what_was_checked_and_hashed_is_loaded_though_the_file_is_exchanged(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_model("mlp").export(tmp_path / "other", verbose=False)
    expected = find_model(folder).sha256

    def exchange(*_: object, **__: object) -> None:
        folder.rename(tmp_path / "away")
        (tmp_path / "other").rename(folder)

    monkeypatch.setattr(load, "try_model", exchange)
    model, sha256 = load_with_digest(find_model(folder))
    images = np.random.default_rng(0).random((3, 28, 28)).astype(np.float32)
    assert sha256 == expected != find_model(folder).sha256
    assert np.allclose(model(images), load_model("linear")(images), atol=1e-6)


def test_the_copy_is_private_and_is_deleted(folder: Path) -> None:
    with private_copy.private_copy(folder) as copy:
        assert copy.path.parent.stat().st_mode & 0o77 == 0
        assert copy.sha256 == find_model(folder).sha256
        assert (copy.path / "saved_model.pb").read_bytes() == (folder / "saved_model.pb").read_bytes()
    assert not copy.path.parent.exists()


@pytest.mark.parametrize("name", ["mine.h5", "mine.keras"])
def test_a_sparse_file_is_refused_by_its_size(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    load_model("linear").save(path)
    os.truncate(path, 200 << 30)
    with pytest.raises(ModelError, match=r"has 200\.0 GiB"):
        load_model(path)


def test_a_folder_with_more_than_the_model_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        with (folder / "assets" / f"{number}").open("wb") as file:
            file.truncate(250 << 20)
    with pytest.raises(ModelError, match=r"more than 1 GiB \(mine has 4\.9 GiB\)"):  # before any of it is copied
        load_model(folder)
    monkeypatch.setattr(private_copy, "MOST_FILES", 10)
    with pytest.raises(ModelError, match="more than 10 files"):
        load_model(folder)


def test_a_file_that_grows_meanwhile_is_copied_as_large_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, path = bytes(range(100)), tmp_path / "mine.keras"
    path.write_bytes(before)
    status = path.stat()
    path.write_bytes(before * 3)
    monkeypatch.setattr(os, "fstat", lambda _: status)
    assert private_copy.digest(path, tmp_path / "copy") == hashlib.sha256(before).hexdigest()
    assert (tmp_path / "copy").read_bytes() == before


def test_a_pipe_is_refused_at_once(tmp_path: Path, folder: Path) -> None:
    os.mkfifo(tmp_path / "mine.keras")
    with pytest.raises(ModelError, match="neither a file nor a folder"):
        load_model(tmp_path / "mine.keras")
    with pytest.raises(ModelError, match="not a regular file"):
        private_copy.digest(tmp_path / "mine.keras")
    graph = folder / "saved_model.pb"
    graph.rename(folder / "old")
    os.mkfifo(graph)
    with pytest.raises(ModelError, match=r"contains no saved_model\.pb"):
        load_model(folder)


@pytest.mark.parametrize(("code", "words"), [(28, "A disk is full"), (24, "Too many files"), (27, "larger than the")])
def test_a_failure_of_the_machine_is_not_the_models(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(private_copy, "_copy", fail)
    with pytest.raises(MachineError, match=words):
        load_model(folder)
    with pytest.raises(MachineError, match=words):
        find_model(folder).sha256  # noqa: B018
