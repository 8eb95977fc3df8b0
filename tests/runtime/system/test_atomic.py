"""Files are complete or unchanged, whatever happens while they are written."""

import errno
import os
from pathlib import Path

import pytest

from mnist_runtime import OutputError
from mnist_runtime.system.atomic import (
    atomic_files,
    atomic_write,
    move_folder_into_place,
    move_into_place,
    staging_folder,
)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the files that are synced and moved, in order, with what happened."""
    found: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        found.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    def moved(path: Path, target: Path) -> Path:
        found.append(f"move {path.name}")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", moved)
    return found


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux names open files")


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def filled(folder: Path, **texts: str) -> Path:
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


def test_a_file_is_replaced_at_the_end_of_the_block(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with atomic_write(tmp_path / "a") as staged:
        staged.write_text("new")
        assert (tmp_path / "a").read_text() == "old"
    assert contents(tmp_path) == {"a": "new"}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_after_a_failure_nothing_has_changed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")

    def failing() -> None:
        with atomic_files(tmp_path) as staged:
            (staged / "a").write_text("new")
            (staged / "b").write_text("new")
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_a_full_disk_and_a_missing_folder_are_errors_of_the_output(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"Cannot write into .*: No space left on device"), staging_folder(tmp_path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(OutputError, match=r"Cannot write into .*missing"), atomic_write(tmp_path / "missing" / "a"):
        pass
    with pytest.raises(OutputError, match="mine"), staging_folder(tmp_path):
        raise OutputError("mine")


@needs_proc
def test_each_file_is_on_the_disk_before_it_is_moved_and_the_named_one_is_last(
    tmp_path: Path, steps: list[str]
) -> None:
    staged = filled(tmp_path / "staged", a="1", b="2", c="3")
    move_into_place(staged, filled(tmp_path / "folder", b="old"), last="a")
    assert steps == ["sync b", "move b", "sync c", "move c", "sync a", "move a"]
    assert contents(tmp_path) == {"folder/a": "1", "folder/b": "2", "folder/c": "3"}


@needs_proc
def test_a_new_folder_appears_at_once(tmp_path: Path, steps: list[str]) -> None:
    staged = filled(tmp_path / "staged", a="1", b="2")
    move_folder_into_place(staged, tmp_path / "folder")
    assert steps == ["sync a", "sync b"]
    assert contents(tmp_path) == {"folder/a": "1", "folder/b": "2"}


@needs_proc
def test_into_a_folder_that_exists_files_are_moved_one_by_one(tmp_path: Path, steps: list[str]) -> None:
    staged = filled(tmp_path / "staged", a="1", b="2")
    filled(staged / "deep", c="3")
    move_folder_into_place(staged, filled(tmp_path / "folder", b="old", other="stays"), last="a")
    assert steps == ["sync b", "sync c", "sync a", "move b", "move c", "move a"]
    moved = {"folder/a": "1", "folder/b": "2", "folder/deep/c": "3", "folder/other": "stays"}
    assert contents(tmp_path) == moved
