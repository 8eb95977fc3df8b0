"""The child process that tries to load models for `mnist_trainer.model_io.isolation.trial`.

A request is one line of JSON with the fields of `Request`. The answer is one line of JSON with ``result``: ``"ok"``;
``"error"``, with ``kind`` and ``text``; ``"memory"``; or ``"ended"``, with ``how``. TensorFlow is imported once. On
Linux, each model is then loaded in a fork with limits for memory and time. On other systems, this process ends after
its first answer.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, BinaryIO, TypedDict

import numpy as np

from mnist_runtime.artifact.task import Task
from mnist_runtime.errors import MEMORY, MachineError, ToolkitError
from mnist_trainer.data.isolation.child_process import LONGEST_LINE
from mnist_trainer.data.isolation.limits import CAN_FORK, Fork
from mnist_trainer.keras_support import import_tensorflow

IMAGES = 8
"""Number of random images on which a model is run."""

Answer = dict[str, Any]


class Request(TypedDict):
    """The model to try, and the limits for loading it.

    Parameters
    ----------
    path : str
        Path of the private copy.
    task : dict
        Fields of the `Task`.
    trust : bool
        Whether the user trusts the file. Then only its format is checked.
    memory : int
        Memory limit in bytes.
    seconds : float
        Time limit in seconds.
    """

    path: str
    task: dict[str, Any]
    trust: bool
    memory: int
    seconds: float


def main() -> None:
    """Answer requests until the standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of native code goes to stderr, because stdout carries the answers
    failure = _prepare()
    while line := sys.stdin.buffer.readline():
        request: Request = json.loads(line)
        answer = failure or (_in_fork(request) if CAN_FORK else _tried(request))
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()
        if not CAN_FORK:
            return


def _prepare() -> Answer | None:
    """Import the packages that loading needs. Return None, or the answer with the error if an import fails."""
    try:
        import_tensorflow()
        import mnist_trainer.model_io.keras_file.load
        import mnist_trainer.model_io.load
        import mnist_trainer.model_io.saved_model.load  # noqa: F401
    except Exception as error:
        return _failure(error)
    return None


def _in_fork(request: Request) -> Answer:
    def work(result: BinaryIO) -> None:
        result.write(json.dumps(_tried(request)).encode())

    fork = Fork(work, request["memory"], request["seconds"])
    content = fork.result.read(LONGEST_LINE)
    how = fork.end()
    if content:
        answer: Answer = json.loads(content)
        return answer
    return {"result": "ended", "how": how}


def _tried(request: Request) -> Answer:
    try:
        _load(request)
    except BaseException as error:  # sent to the parent process, which raises it again
        return _failure(error)
    return {"result": "ok"}


def _load(request: Request) -> None:
    import tensorflow as tf

    from mnist_trainer.model_io.keras_file.load import check_keras_file
    from mnist_trainer.model_io.load import load_copy

    path = Path(request["path"])
    if request["trust"]:
        if path.is_file():
            check_keras_file(path)
        return
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    task = Task(**request["task"] | {"labels": tuple(request["task"]["labels"])})
    model = load_copy(path, trust=False, task=task)
    noise = np.random.default_rng(0).random((IMAGES, *model.input_shape[1:]), np.float32)
    model(noise, training=False)


def _failure(error: BaseException) -> Answer:
    if isinstance(error, MemoryError) or (isinstance(error, MachineError) and str(error) == MEMORY):
        return {"result": "memory"}
    if not isinstance(error, ToolkitError):
        error = MachineError(f"Models cannot be tried here ({type(error).__name__}: {error!s:.300}).")
    return {"result": "error", "kind": type(error).__name__, "text": str(error)[:2000]}


if __name__ == "__main__":
    main()
