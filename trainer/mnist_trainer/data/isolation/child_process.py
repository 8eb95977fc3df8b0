"""Run a Python module in a process of its own, for work that may crash, hang or take all memory."""

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
        self._requests: BinaryIO = self._process.stdin  # type: ignore[assignment]  # a buffered stream
        self.answers: BinaryIO = self._process.stdout  # type: ignore[assignment]
        self._end = weakref.finalize(self, _end, self._process)

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    @property
    def number(self) -> int:
        """The process id."""
        return self._process.pid

    @contextlib.contextmanager
    def conversation(self) -> Iterator[None]:
        """Hold the process for one request and its answer. An exception in the block ends the process.

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
            except BaseException:  # the rest of the answer must not be taken for that of the next request
                self._process.kill()
                self._process.wait()
                raise
            finally:
                timer.cancel()

    def send(self, facts: dict[str, Any], content: bytes | memoryview = b"") -> None:
        """Write a request: a line of JSON, and the bytes that follow it."""
        self._requests.write(json.dumps(facts).encode() + b"\n")
        self._requests.write(content)
        self._requests.flush()

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


class KeptProcess:
    """A process that is kept for further requests, since its start takes long, and started again if it has ended.

    Parameters
    ----------
    module : str
        The module that is run.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._lock = threading.Lock()
        self._child: ChildProcess | None = None

    def running(self, seconds: float) -> ChildProcess:
        """Return the process, with this time for the next answer.

        Raises
        ------
        MachineError
            If no process can be started.
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
            with contextlib.suppress(OSError):  # bytes that the process did not read
                stream.close()
    process.wait()
