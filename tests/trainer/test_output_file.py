from pathlib import Path

import pytest

from mnist_trainer import UsageError
from mnist_trainer.output_file import make_room_for


def test_folders_are_made_and_what_is_there_stays(tmp_path: Path) -> None:
    make_room_for(tmp_path / "a" / "b" / "file")
    make_room_for(tmp_path / "a" / "b" / "file")
    assert list((tmp_path / "a" / "b").iterdir()) == []


@pytest.mark.parametrize("path", ["file/model.keras", "folder", "x" * 231, "x" * 300 + "/model.keras", "\udcff.keras"])
def test_what_cannot_be_written_is_told(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="Expected an output") as caught:
        make_room_for(tmp_path / path)
    assert caught.value.exit_code == 2
