"""`check_output_path`."""

import os
from pathlib import Path

import pytest

from mnist_runtime import UsageError
from mnist_runtime.system.atomic import check_output_path


def test_folders_are_created_and_existing_ones_kept(tmp_path: Path) -> None:
    check_output_path(tmp_path / "a" / "b" / "file")
    check_output_path(tmp_path / "a" / "b" / "file")
    assert list((tmp_path / "a" / "b").iterdir()) == []


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("file/model.keras", "Cannot create the output folder .*file: File exists"),
        ("folder", "The output file .*folder is a folder"),
        ("x" * 231, "is longer than 230 bytes"),
        ("x" * 300 + "/model.keras", "Cannot create the output folder .*: File name too long"),
        ("\udcff.keras", "is not valid Unicode"),
    ],
)
def test_an_impossible_output_is_rejected(tmp_path: Path, path: str, message: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match=message) as caught:
        check_output_path(tmp_path / path)
    assert caught.value.exit_code == 2


def test_a_read_only_folder_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (tmp_path, os.W_OK))
    with pytest.raises(UsageError, match=r"The output folder .* is read-only"):
        check_output_path(tmp_path / "a")
