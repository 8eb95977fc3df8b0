"""Limit the memory and time of a process, and run work in a fork with such limits."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import BinaryIO

__all__ = ["CAN_FORK", "Fork", "how_it_ended", "limit_memory"]

CAN_FORK = sys.platform == "linux"
"""Whether work can run in forks. A fork starts within milliseconds."""
DIE_WITH_PARENT = 1
"""The option PR_SET_PDEATHSIG of ``prctl``: signal that a process gets when its parent ends."""


class Fork:
    """A fork of this process that runs one function with limits for memory and time. Linux only.

    Parameters
    ----------
    work : callable
        Function to run. Its argument is a stream, to which it writes its result.
    memory : int
        Memory limit in bytes, in addition to the memory of this process.
    seconds : float
        Time limit in seconds.

    Attributes
    ----------
    result : binary file
        Stream with the result that the function writes.
    """

    def __init__(self, work: Callable[[BinaryIO], None], memory: int, seconds: float) -> None:
        reader, writer = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            os.close(reader)
            ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
            limit_memory(memory)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, seconds)
            try:
                with os.fdopen(writer, "wb") as result:
                    work(result)
            except BaseException:  # `work` itself reports errors in its result, if it can
                os._exit(1)
            os._exit(0)
        os.close(writer)
        self.result: BinaryIO = os.fdopen(reader, "rb")

    def end(self) -> str:
        """Wait until the fork has ended, and return how; see `how_it_ended`."""
        self.result.close()
        return how_it_ended(os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1]))


def how_it_ended(code: int | None) -> str:
    """Describe the exit code of a process: a code, or the name of the signal that ended it.

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
    """Limit the memory of this process to `more` bytes in addition to its present use. Has an effect on Linux only."""
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:  # in pages: all, resident, shared, code, -, data
            taken = int(file.read().split()[5]) * resource.getpagesize()
    except (ImportError, OSError):  # Windows, macOS
        return
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    limit = taken + more if hard == resource.RLIM_INFINITY else min(taken + more, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
