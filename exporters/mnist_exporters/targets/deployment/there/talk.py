"""Send messages to the workstation, run programs, and raise errors with a message for the user."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

__all__ = ["PREFIX", "StepError", "explained", "require_connection", "run", "send"]

PREFIX = "mnist-deploy:"
"""Start of each line for the workstation. Other lines may come from the startup files of a shell."""

NEARLY_FULL = 1 << 20
"""Number of free bytes below which an error is reported as a full disk."""

CONNECTION = {"open": True}
"""Whether messages still reach the workstation."""


class StepError(Exception):
    """Raised when a step cannot continue.

    Parameters
    ----------
    words : str
        Message: what is wrong and what to do. ``{device}`` stands for the name of the device.
    kind : str
        Which error the workstation raises: ``"device"``, ``"package"`` or ``"model"``.
    """

    def __init__(self, words: str, kind: str = "device") -> None:
        super().__init__(words)
        self.words = words
        self.kind = kind


def send(kind: str, value: Any) -> None:
    """Send one message. Without a connection, it is not sent, and `CONNECTION` records that."""
    try:
        print(PREFIX + json.dumps({kind: value}), flush=True)
    except OSError:
        CONNECTION["open"] = False


def require_connection() -> None:
    """Raise `StepError` if the connection is lost, so that a version is never switched without a message."""
    send("alive", None)
    if not CONNECTION["open"]:
        raise StepError("The connection was lost.")


def run(
    words: Sequence[str | Path], *, cwd: Path | None = None, line: Callable[[str], None] | None = None, **changes: str
) -> tuple[int, str]:
    """Run a program, and return its exit code and its output (stdout and stderr together).

    Parameters
    ----------
    words : sequence
        Program and arguments.
    cwd : Path, optional
        Working folder of the program.
    line : callable, optional
        Called with each line that it prints.
    **changes : str
        Environment variables to set.
    """
    environment = {**os.environ, "PYTHONNOUSERSITE": "1", "LC_ALL": "C.UTF-8", **changes}
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
        environment.pop(name, None)
    printed = []
    with subprocess.Popen(
        list(map(str, words)),
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for text in process.stdout:
            printed.append(text)
            if line:
                line(text.rstrip("\n"))
    return process.returncode, "".join(printed)


def explained(error: Exception, folder: Path) -> StepError:
    """Turn an error that occurred while writing files below `folder` into a `StepError`."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(existing).free
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or free < NEARLY_FULL:
        return StepError(
            f"The disk of {{device}} is full: {free / 1e6:.1f} MB are free in {existing}. Free some space, or give "
            "another --folder."
        )
    if isinstance(error, StepError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
        return StepError(
            f"{{device}} cannot write into {error.filename or folder}: {error.strerror}. Give another --folder."
        )
    return StepError(f"{{device}}: {type(error).__name__}: {error}. Check the device and run the command again.")
