"""Read data for another process, `mnist_trainer.data.isolation.reading`.

A request is a line of JSON with the fields of `Request`. The answer comes in chunks, each after its length in 8 bytes,
up to a length of 0, and a line of JSON that says how the reading ended. The chunks together are the length of a header,
the header in JSON, and the bytes of images and labels. On Linux each request is answered by a fork with limits of
memory and time; elsewhere this process ends after its first answer.
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
    """Data, and what reading it may take.

    Parameters
    ----------
    path, folder : str
        The data, and the folder in which the path begins.
    stated : dict
        Fields of the `StatedTask`.
    memory : int
        Bytes.
    seconds : float
        Time.
    """

    path: str
    folder: str
    stated: dict[str, Any]
    memory: int
    seconds: float


def main() -> None:
    """Answer requests until the standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what native code prints must not be taken for an answer
    with contextlib.suppress(ImportError):  # before the forks
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
    except Exception as error:  # the process that asked raises it again
        kinds = [kind.__name__ for kind in type(error).__mro__]  # nearest first
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
