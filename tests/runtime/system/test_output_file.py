from pathlib import Path

import pytest

from mnist_runtime.system.atomic import check_output_path
from mnist_trainer import UsageError


def test_folders_are_made_and_what_is_there_stays(tmp_path: Path) -> None:
    check_output_path(tmp_path / "a" / "b" / "file")
    check_output_path(tmp_path / "a" / "b" / "file")
    assert list((tmp_path / "a" / "b").iterdir()) == []


@pytest.mark.parametrize("path", ["file/model.keras", "folder", "x" * 231, "x" * 300 + "/model.keras", "\udcff.keras"])
def test_what_cannot_be_written_is_told(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="Expected an output") as caught:
        check_output_path(tmp_path / path)
    assert caught.value.exit_code == 2
