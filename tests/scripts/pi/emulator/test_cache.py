"""Cached folders are reused until their inputs change."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mnist_tools.pi.emulator.cache import cached, digest, key_of


def test_a_folder_is_made_once_for_each_key(tmp_path: Path) -> None:
    made = []

    def make(folder: Path) -> None:
        made.append(sorted(folder.iterdir()))
        (folder / "file").touch()

    for key in ("a", "a", "b", "b", "a"):
        assert (cached(tmp_path / "x", key, make) / "file").exists()
    assert made == [[], [], []]  # the folder is empty each time
    assert key_of(tmp_path / "x") == "a"


def test_only_one_of_several_threads_makes_the_folder(tmp_path: Path) -> None:
    made = []
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: cached(tmp_path / "x", "a", made.append), range(50)))
    assert made == [tmp_path / "x"]


def test_an_interrupted_folder_is_made_again(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            cached(tmp_path / "x", "a", fail)
        assert key_of(tmp_path / "x") == ""
    assert list(cached(tmp_path / "x", "a", lambda _: None).iterdir()) == []


def test_a_digest_depends_on_names_and_contents_but_not_on_compiled_files(tmp_path: Path) -> None:
    seen = set()
    (tmp_path / "a").mkdir()
    for name, content in (("one", "1"), ("one", "2"), ("two", "2"), ("deep/three", "")):
        (tmp_path / "a" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "a" / name).write_text(content)
        seen.add(digest(tmp_path / "a"))
    assert len(seen) == 4
    (tmp_path / "a" / "__pycache__").mkdir()
    (tmp_path / "a" / "__pycache__" / "one.pyc").touch()
    assert digest(tmp_path / "a") in seen
    assert digest(tmp_path / "a" / "one") != digest(tmp_path / "a" / "two")
