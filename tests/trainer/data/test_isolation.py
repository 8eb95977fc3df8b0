"""The user's data is read in a child process, under limits of memory and time."""

import os
import signal
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_trainer.data.files.any_form import read_any_form
from mnist_trainer.data.isolation import reading
from mnist_trainer.data.isolation.reading import read_in_bounds
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.errors import DataError, MachineError

linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no forks with limits")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small file of 78 MB of images."""
    path = tmp_path_factory.mktemp("large") / "mine.npz"
    np.savez_compressed(path, images=np.zeros((100_000, 28, 28), np.uint8), labels=np.arange(100_000) % 10)
    return path


def pictures(folder: Path) -> Path:
    random = np.random.default_rng(0)
    for split in ("train", "test"):
        for label in ("on", "off"):
            place = folder / split / label
            place.mkdir(parents=True)
            for number in range(3):
                Image.fromarray(random.integers(0, 256, (9, 12, 3), np.uint8)).save(place / f"{number}.png")
    return folder


def test_the_process_gives_what_is_read_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    path, stated = Path("mine"), StatedTask(size=(10, 14), channels=3, labels=("on", "off"))
    found, here = read_in_bounds(path, stated), read_any_form(path, stated)
    assert (found.task, found.form, found.notes) == (here.task, here.form, here.notes)
    for one, other in ((found.train, here.train), (found.test, here.test)):
        assert one is not None
        assert other is not None
        assert one.images.dtype == other.images.dtype
        assert one.labels.dtype == other.labels.dtype
        assert np.array_equal(one.images, other.images)
        assert np.array_equal(one.labels, other.labels)


def test_errors_are_those_of_the_reading(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_bytes(b"")
    with pytest.raises(DataError, match="The file is empty"):
        read_in_bounds(tmp_path / "mine.csv", StatedTask())


@linux
def test_what_takes_too_long_is_ended(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SECONDS", 0.02)
    monkeypatch.setattr(reading, "SECONDS_A_MEGABYTE", 0.0)
    with pytest.raises(DataError, match=r"takes more than 0 seconds\. Give a part"):
        read_in_bounds(large, StatedTask())


@linux
def test_what_takes_too_much_memory_is_ended(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_MEMORY", 32 << 20)
    with pytest.raises(MachineError, match="too little memory"):
        read_in_bounds(large, StatedTask())


@linux
@pytest.mark.parametrize(
    ("number", "error", "words"),
    [
        (signal.SIGSEGV, DataError, r"ended the process that read it \(SIGSEGV\)\. A file is damaged"),
        (signal.SIGKILL, MachineError, r"was killed \(SIGKILL\), as the system does when memory runs out"),
    ],
)
def test_data_that_ends_the_process_is_an_error_and_the_next_is_read(
    large: Path, tmp_path: Path, number: int, error: type[Exception], words: str
) -> None:
    server = reading.PROCESS.running(60)
    children = Path(f"/proc/{server.number}/task/{server.number}/children")
    is_over = threading.Event()

    def end() -> None:
        while not is_over.is_set():
            for child in children.read_text().split():
                os.kill(int(child), number)
                return

    thread = threading.Thread(target=end)
    thread.start()
    try:
        with pytest.raises(error, match=words):
            read_in_bounds(large, StatedTask())
    finally:
        is_over.set()
        thread.join()
    assert len(read_in_bounds(pictures(tmp_path), StatedTask()).train.images) == 6
    os.kill(server.number, signal.SIGKILL)
    thread = threading.Thread(target=os.waitid, args=(os.P_PID, server.number, os.WEXITED | os.WNOWAIT))
    thread.start()
    thread.join()
    assert len(read_in_bounds(tmp_path, StatedTask()).train.images) == 6


@linux
def test_an_error_while_data_arrives_leaves_nothing_of_it_for_the_next(
    large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def empty(*_: object) -> None:
        raise MemoryError

    server = reading.PROCESS.running(60)
    with monkeypatch.context() as patch:
        patch.setattr(reading.np, "empty", empty)
        with pytest.raises(MemoryError):
            read_in_bounds(large, StatedTask())
    assert not server.is_running
    assert len(read_in_bounds(pictures(tmp_path), StatedTask()).train.images) == 6
