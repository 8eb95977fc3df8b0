"""The child process that reads data for `mnist_trainer.data.isolation.reading`.

A request is one line of JSON with the fields of `Request`. The answer is a series of chunks, each preceded by its
length in 8 bytes. A length of 0 ends the series. After it comes one line of JSON that says how the reading ended.

The content of all chunks together is: the length of a header in 8 bytes, the header in JSON, and the bytes of the
images and labels.

On Linux, each request is answered by a fork with limits for memory and time. On other systems, this process ends after
its first answer.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, TypedDict

import numpy as np

from mnist_trainer.data.files.any_form import read_any_form
from mnist_trainer.data.files.arrays.parts import LoadedData
from mnist_trainer.data.isolation.limits import CAN_FORK, Fork
from mnist_trainer.data.stated import StatedTask

CHUNK = 1 << 20
LONGEST_TEXT = 10_000


class Request(TypedDict):
    """The data to read, and the limits for reading it.

    Parameters
    ----------
    path, folder : str
        Path of the data, and the current folder for a relative path.
    stated : dict
        Fields of the `StatedTask`.
    memory : int
        Memory limit in bytes.
    seconds : float
        Time limit in seconds.
    """

    path: str
    folder: str
    stated: dict[str, Any]
    memory: int
    seconds: float


def main() -> None:
    """Answer requests until the standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of native code goes to stderr, because stdout carries the answers
    with contextlib.suppress(ImportError):  # once here, not in each fork
        import PIL.Image

        PIL.Image.preinit()
    while line := sys.stdin.buffer.readline():
        for chunk in _answer(json.loads(line)):
            answers.write(chunk)
        answers.flush()
        if not CAN_FORK:
            return


def _answer(request: Request) -> Iterator[bytes]:
    if CAN_FORK:
        fork = Fork(lambda result: _read(request, result), request["memory"], request["seconds"])
        while content := fork.result.read(CHUNK):
            yield len(content).to_bytes(8, "little") + content
        how = fork.end()
    else:
        buffer = io.BytesIO()
        _read(request, buffer)
        content, how = buffer.getvalue(), "exit code 0"
        yield len(content).to_bytes(8, "little") + content
    yield bytes(8) + json.dumps({"how": how}).encode() + b"\n"


def _read(request: Request, result: BinaryIO) -> None:
    header: dict[str, Any]
    parts = []
    try:
        os.chdir(request["folder"])
        found = read_any_form(Path(request["path"]), _stated(request["stated"]))
        header, parts = _header(found), [part for part in (found.train, found.test) if part]
    except Exception as error:  # sent to the parent process, which raises it again
        kinds = [kind.__name__ for kind in type(error).__mro__]  # the parent uses the first class that it knows
        header = {"error": kinds, "text": str(error)[:LONGEST_TEXT]}
    content = json.dumps(header).encode()
    result.write(len(content).to_bytes(8, "little") + content)
    for part in parts:
        for array in (part.images, part.labels):
            result.write(np.ascontiguousarray(array).data)


def _stated(facts: dict[str, Any]) -> StatedTask:
    size, labels = facts["size"], facts["labels"]
    return StatedTask(**facts | {"size": size and tuple(size), "labels": labels and tuple(labels)})


def _header(found: LoadedData) -> dict[str, Any]:
    parts = [(part.images.shape, part.labels.dtype.str) for part in (found.train, found.test) if part]
    return {"form": found.form, "notes": found.notes, "task": asdict(found.task), "parts": parts}


if __name__ == "__main__":
    main()
