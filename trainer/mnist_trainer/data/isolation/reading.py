"""`read_in_bounds`: read the user's images in a child process, with limits for memory and time."""

from __future__ import annotations

import io
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mnist_runtime import errors as runtime_errors
from mnist_runtime.artifact.task import Task
from mnist_runtime.errors import ToolkitError, printable
from mnist_trainer import errors
from mnist_trainer.data.files.arrays.parts import Labelled, LoadedData
from mnist_trainer.data.files.bounded import MOST_BYTES
from mnist_trainer.data.isolation.child_process import ChildProcess, EndedError, KeptProcess
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.errors import DataError, MachineError

__all__ = ["read_in_bounds"]

MOST_MEMORY = 3 * MOST_BYTES
"""Memory limit for reading, in bytes: enough for the original data, the converted data and temporary copies."""
SECONDS, SECONDS_A_FILE, SECONDS_A_MEGABYTE = 120.0, 0.2, 2.0
"""Time limit for reading, in seconds: a constant, plus a time per file and per megabyte.

It is about 50 times what a PC needs.
"""
MOST_COUNTED = 1_000_000
"""Largest number of files that are counted for the time limit."""
LONGEST_LIST, LONGEST_LINE = 100_000_000, 200
"""A file is not a list of pictures if its size, or its mean size per line, is above this number of bytes."""
START = 60.0
"""Extra seconds for the start of the process, which imports several packages."""
PROCESS = KeptProcess("mnist_trainer.data.isolation._reading")
"""The process that reads. It is kept, because its imports take longer than reading most data sets."""


class _Chunks(io.RawIOBase):
    """A stream over the chunks of an answer, each preceded by its length in 8 bytes. A length of 0 ends it."""

    def __init__(self, child: ChildProcess) -> None:
        self._source = child.answers
        self._remaining: int | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read bytes into the beginning of `buffer`, and return their number; 0 at the end."""
        if self._remaining == 0:
            return 0
        if self._remaining is None:
            self._remaining = self._length()
        view = memoryview(buffer).cast("B")
        content = self._source.read(min(len(view), self._remaining))
        if len(content) < min(len(view), self._remaining):
            raise EOFError
        view[: len(content)] = content
        self._remaining -= len(content)
        if self._remaining == 0 and content:
            self._remaining = self._length()
        return len(content)

    def _length(self) -> int:
        content = self._source.read(8)
        if len(content) < 8:
            raise EOFError
        return int.from_bytes(content, "little")

    def rest(self) -> None:
        """Read and discard the rest of the answer."""
        while self.read(1 << 16):
            pass


def read_in_bounds(path: Path, stated: StatedTask) -> LoadedData:
    """Read the user's images in a child process with at most `MOST_MEMORY` and a time limit that depends on their size.

    Parameters
    ----------
    path : Path
        A file or folder; see `load_own_data`.
    stated : StatedTask
        Known facts about the images and classes.

    Raises
    ------
    DataError
        If something is missing, unreadable or out of range, reading takes too long, or the data crashes the process.
    MachineError
        If there is too little memory, or the system killed the process.
    """
    seconds = SECONDS + _extra_seconds(path)
    request: dict[str, Any] = {"path": os.fspath(path), "folder": os.fspath(Path.cwd()), "stated": asdict(stated)}
    request |= {"memory": MOST_MEMORY, "seconds": seconds}
    child = PROCESS.running(seconds + START)
    try:
        with child.conversation():
            child.send(request)
            chunks = _Chunks(child)
            found = _read_answer(chunks)
            chunks.rest()
            how = child.read_line()["how"]
    except EndedError as error:
        raise MachineError(f"The process that reads data has ended ({error}). Free some memory and repeat.") from error
    if isinstance(found, Exception):
        raise found
    if found is not None:
        return found
    name = printable(str(path))
    if how == "SIGALRM":
        raise DataError(f"{name}: Reading the data takes more than {seconds:.0f} seconds. Give a part of it.")
    if how == "SIGKILL":
        raise MachineError(
            f"{name}: The process that read the data was killed (SIGKILL), as the system does when memory runs out. "
            "Close other programs and repeat, or give a part of the data."
        )
    raise DataError(f"{name}: The data ended the process that read it ({how}). A file is damaged. Save it again.")


def _extra_seconds(path: Path) -> float:
    """Return the part of the time limit that depends on the size of the data, in seconds."""
    files, size, folders = 0, 0, [path]
    while folders and files < MOST_COUNTED:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(Path(entry.path))
                    else:
                        files, size = files + 1, size + entry.stat().st_size
        except NotADirectoryError:
            size += path.stat().st_size
            files += _lines(path, size)
        except OSError:  # reported when it is read
            continue
    return SECONDS_A_FILE * files + SECONDS_A_MEGABYTE * min(size, MOST_BYTES) / 1e6


def _lines(path: Path, size: int) -> int:
    """Return the number of lines of a file, each of which may name a picture; 0 if it cannot be a list of pictures."""
    if size > LONGEST_LIST or not path.is_file():  # a pipe might never end
        return 0
    try:
        count = path.read_bytes().count(b"\n")
    except OSError:  # reported when it is read
        return 0
    return count if size < LONGEST_LINE * count else 0


def _read_answer(chunks: _Chunks) -> LoadedData | Exception | None:
    """Return the data, or the error that reading raised; None if the process ended before its answer was complete."""
    source = io.BufferedReader(chunks, 1 << 20)
    length = int.from_bytes(source.read(8), "little")
    content = source.read(length)
    if not content or len(content) < length:
        return None
    header: dict[str, Any] = json.loads(content)
    if "error" in header:
        return _error(header["error"], header["text"])
    parts = []
    for shape, dtype in header["parts"]:
        images, labels = np.empty(shape, np.uint8), np.empty(shape[0], dtype)
        for array in (images, labels):
            if source.readinto(array.reshape(-1).view(np.uint8).data) < array.nbytes:
                return None
        parts.append(Labelled(images, labels))
    task = Task(**header["task"] | {"labels": tuple(header["task"]["labels"])})
    return LoadedData(parts[0], parts[1] if len(parts) == 2 else None, task, header["form"], tuple(header["notes"]))


def _error(kinds: list[str], text: str) -> Exception:
    """Return an error whose class is the first of `kinds` that `errors` defines: the most specific one known here."""
    for kind in kinds:
        for module in (errors, runtime_errors):
            found = getattr(module, kind, None)
            if isinstance(found, type) and issubclass(found, ToolkitError):
                return found(text)
    return RuntimeError(f"{kinds[0]}: {text}")
