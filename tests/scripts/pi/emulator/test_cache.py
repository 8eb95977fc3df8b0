"""What was gathered is found again, and only as long as it may be."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mnist_tools.pi.emulator.cache import digest, kept, key_of


def test_a_folder_is_made_once_for_each_key(tmp_path: Path) -> None:
    made = []

    def make(folder: Path) -> None:
        made.append(sorted(folder.iterdir()))
        (folder / "file").touch()

    for key in ("a", "a", "b", "b", "a"):
        assert (kept(tmp_path / "x", key, make) / "file").exists()
    assert made == [[], [], []]  # each time from nothing
    assert key_of(tmp_path / "x") == "a"


def test_of_several_threads_one_makes_it(tmp_path: Path) -> None:
    made = []
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: kept(tmp_path / "x", "a", made.append), range(50)))
    assert made == [tmp_path / "x"]


def test_one_whose_making_was_interrupted_is_made_again(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            kept(tmp_path / "x", "a", fail)
        assert key_of(tmp_path / "x") == ""
    assert list(kept(tmp_path / "x", "a", lambda _: None).iterdir()) == []


def test_a_digest_knows_names_and_contents_but_nothing_compiled(tmp_path: Path) -> None:
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
