"""Load an untrusted model in a child process first, with limits for memory and time, before it is loaded here."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from mnist_runtime.artifact.task import Task
from mnist_trainer.data.isolation.child_process import EndedError, KeptProcess
from mnist_trainer.errors import MachineError, ModelError

__all__ = ["start_trials", "try_model"]

MOST_MEMORY = 3 << 30
"""Memory limit for loading, in bytes. It is enough for the largest model that `private_copy` accepts."""

SECONDS = 120.0
"""Time limit for loading, in seconds. The slowest model in the tests takes five seconds."""

START = 180.0
"""Extra seconds for the import of TensorFlow on a slow machine."""

PASSED_ON = ("UnknownLayerError",)
"""Errors in the child process that are ignored: this program may have registered custom layers that it lacks."""


PROCESS = KeptProcess("mnist_trainer.model_io.isolation._trial")
"""The child process that tries models. It imports TensorFlow once."""


def start_trials() -> None:
    """Start the child process now, so that both processes import TensorFlow at the same time."""
    PROCESS.running(SECONDS + START)


def try_model(path: Path, task: Task, *, trust: bool = False) -> None:
    """Load a model in a child process and run it on eight images; see `mnist_trainer.model_io.load.load_copy`.

    Parameters
    ----------
    path : Path
        Path of the private copy.
    task : Task
        Images and classes of the model.
    trust : bool
        Whether the user trusts the file. Then only its format is checked.

    Raises
    ------
    ModelError
        If the model cannot be loaded, or needs more than `MOST_MEMORY` or `SECONDS`.
    MachineError
        If the machine has too little memory or disk space, or the system killed the process.
    """
    request = {"path": str(path), "task": asdict(task), "trust": trust, "memory": MOST_MEMORY, "seconds": SECONDS}
    child = PROCESS.running(SECONDS + START)
    try:
        with child.conversation():
            child.send(request)
            answer = child.read_line()
    except EndedError as error:
        raise MachineError(
            f"The process that tries models has ended ({error}). Free some memory and repeat."
        ) from error
    match answer["result"]:
        case "memory":
            raise ModelError(
                f"Loading and running the model takes more than {MOST_MEMORY / 2**30:g} GiB of memory, the most that a "
                "model may take here. No model of small images needs that much. Give its layers fewer weights."
            )
        case "ended" if answer["how"] == "SIGALRM":
            raise ModelError(
                f"Loading and running the model takes more than {SECONDS:.0f} seconds. It may never end. Make it "
                "smaller, or remove the loop."
            )
        case "ended" if answer["how"] == "SIGKILL":
            raise MachineError(
                "The process that loaded the model was killed (SIGKILL), as the system does when memory runs out. "
                "Close other programs and repeat, or make the model smaller."
            )
        case "ended":
            raise ModelError(
                f"The model ended the process that loaded it ({answer['how']}). It is damaged or too large. Copy or "
                "save it again."
            )
        case "error" if answer["kind"] not in PASSED_ON:
            raise (MachineError if answer["kind"] == "MachineError" else ModelError)(answer["text"])
