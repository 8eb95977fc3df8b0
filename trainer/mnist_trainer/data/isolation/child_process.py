"""Run a Python module in a child process, for work that may crash, hang or use all memory."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any, BinaryIO

from mnist_runtime.errors import raise_machine_failure
from mnist_trainer.data.isolation.limits import how_it_ended

__all__ = ["LONGEST_LINE", "ChildProcess", "EndedError", "KeptProcess"]

LONGEST_LINE = 1 << 16
"""Largest size of one line of JSON in an answer, in bytes."""


class EndedError(Exception):
    """The process ended or was killed before it answered. The message says how it ended."""


class ChildProcess:
    """A process that answers requests, one at a time. It ends when this object is deleted.

    Parameters
    ----------
    module : str
        Name of the module to run.
    *arguments : str
        Command line arguments of the module.
    seconds : float
        Time limit for an answer. After it, the process is killed.

    Raises
    ------
    MachineError
        If the process cannot be started.
    """

    def __init__(self, module: str, *arguments: str, seconds: float) -> None:
        # -P: do not import modules from the current folder by mistake. -W ignore: warnings do not help the user.
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
        self._requests: BinaryIO = self._process.stdin  # type: ignore[assignment]  # a buffered stream
        self.answers: BinaryIO = self._process.stdout  # type: ignore[assignment]
        self._end = weakref.finalize(self, _end, self._process)

    @property
    def is_running(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    @property
    def number(self) -> int:
        """The process id."""
        return self._process.pid

    @contextlib.contextmanager
    def conversation(self) -> Iterator[None]:
        """Reserve the process for one request and its answer. An exception in the block kills the process.

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
            except BaseException:  # else the rest of this answer would be read as the next answer
                self._process.kill()
                self._process.wait()
                raise
            finally:
                timer.cancel()

    def send(self, facts: dict[str, Any], content: bytes | memoryview = b"") -> None:
        """Send a request: one line of JSON with `facts`, followed by the bytes of `content`."""
        self._requests.write(json.dumps(facts).encode() + b"\n")
        self._requests.write(content)
        self._requests.flush()

    def read_line(self) -> dict[str, Any]:
        """Return the next line of JSON, at most 64 KiB.

        Raises
        ------
        EOFError
            If the process has closed its output.
        """
        line = self.answers.readline(LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise EOFError
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        """End the process."""
        self._end()


class KeptProcess:
    """A process that is reused for all requests, because its start takes long. If it has ended, it is started again.

    Parameters
    ----------
    module : str
        Name of the module to run.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._lock = threading.Lock()
        self._child: ChildProcess | None = None

    def running(self, seconds: float) -> ChildProcess:
        """Return the running process, with a time limit of `seconds` for the next answer.

        Raises
        ------
        MachineError
            If the process cannot be started.
        """
        with self._lock:
            if self._child is None or not self._child.is_running:
                self._child = ChildProcess(self._module, seconds=seconds)
            self._child.seconds = seconds
            return self._child


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):  # the pipe may have unsent bytes that the process never read
                stream.close()
    process.wait()
