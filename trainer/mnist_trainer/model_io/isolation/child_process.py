"""`ChildProcess`: a Python module in a process of its own, for work that may crash, hang or take all memory."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any, BinaryIO

from mnist_runtime.system.machine import raise_machine_failure

__all__ = ["ChildProcess", "EndedError", "how_it_ended", "limit_memory"]

LONGEST_LINE = 1 << 16
"""Bytes of an answer in JSON."""


class EndedError(Exception):
    """The process ended, or was ended, before it answered; the text says how."""


class ChildProcess:
    """A process that answers requests, one at a time. It ends with this object.

    Parameters
    ----------
    module : str
        The module that is run.
    *arguments : str
        Its arguments.
    seconds : float
        Time for an answer, after which the process is ended.

    Raises
    ------
    MachineError
        If no process can be started.
    """

    def __init__(self, module: str, *arguments: str, seconds: float) -> None:
        # -P: no module in the current folder is imported by mistake. Warnings are for the developers of a module.
        words = [sys.executable, "-P", "-W", "ignore", "-m", module, *arguments]
        self.seconds = seconds
        self._lock = threading.Lock()
        try:
            self._process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise_machine_failure(error)
            raise
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.requests: BinaryIO = self._process.stdin  # type: ignore[assignment]  # a buffered stream
        self.answers: BinaryIO = self._process.stdout  # type: ignore[assignment]
        self._end = weakref.finalize(self, _end, self._process)

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    @contextlib.contextmanager
    def conversation(self) -> Iterator[None]:
        """Hold the process for one request and its answer.

        Raises
        ------
        EndedError
            If the process ends in the block, or takes too long.
        """
        with self._lock:
            timer = threading.Timer(self.seconds, self._process.kill)
            timer.start()
            try:
                yield
            except (EOFError, BrokenPipeError) as error:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(10)
                raise EndedError(how_it_ended(self._process.returncode)) from error
            finally:
                timer.cancel()

    def read_line(self) -> dict[str, Any]:
        """Return the next line of JSON, at most 64 KiB.

        Raises
        ------
        EOFError
            If there is none.
        """
        line = self.answers.readline(LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise EOFError
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        """End the process."""
        self._end()


def how_it_ended(code: int | None) -> str:
    """Return words for the exit code of a process.

    Examples
    --------
    >>> how_it_ended(3), how_it_ended(-11)
    ('exit code 3', 'SIGSEGV')
    """
    if code is None or code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def limit_memory(more: int) -> None:
    """Let this process take `more` bytes of memory besides what it has, where the system can limit that (Linux)."""
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:  # in pages: all, resident, shared, code, -, data
            taken = int(file.read().split()[5]) * resource.getpagesize()
    except (ImportError, OSError):  # Windows, macOS
        return
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    limit = taken + more if hard == resource.RLIM_INFINITY else min(taken + more, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):  # bytes that the process did not read
                stream.close()
    process.wait()
