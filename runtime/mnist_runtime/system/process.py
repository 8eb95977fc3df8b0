"""State of the whole process: its stderr, locks during a fork, floating-point errors, versions of packages."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, cast

import numpy as np

from mnist_runtime.errors import ToolkitError

__all__ = ["PATIENCE", "hold_while_forking", "installed_version", "quiet_stderr", "usual_errors"]

PATIENCE = 10.0
"""Seconds for which a fork waits until other threads release what the child needs."""


def hold_while_forking(lock: Any) -> None:
    """Let each fork wait until this `threading.RLock` is free, and keep it until the fork is done."""
    acquired: list[bool] = []

    def release_in_child() -> None:
        if acquired.pop():
            lock.release()
        else:
            lock._at_fork_reinit()  # as Python's own modules do

    if hasattr(os, "register_at_fork"):  # Windows has no forks
        os.register_at_fork(
            before=lambda: acquired.append(lock.acquire(timeout=PATIENCE)),
            after_in_parent=lambda: lock.release() if acquired.pop() else None,
            after_in_child=release_in_child,
        )


ONE_AT_A_TIME = threading.RLock()
"""File descriptor 2 belongs to the whole process, so only one thread may redirect it."""
hold_while_forking(ONE_AT_A_TIME)


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hide all output to file descriptor 2; show it if the block raises an unexpected error.

    Interpreters print from C++, which replacing `sys.stderr` does not affect, and before a log level can be set.
    """
    with ONE_AT_A_TIME:
        try:
            original = os.dup(2)
        except OSError:  # stderr is closed, so there is nothing to hide
            yield
            return
        try:
            with _memory_file() as hidden:
                _flush()
                os.dup2(hidden.fileno(), 2)
                try:
                    yield
                except ToolkitError:
                    raise  # its message is complete
                except Exception:
                    _flush()
                    os.dup2(original, 2)
                    hidden.seek(0)
                    with contextlib.suppress(OSError):  # stderr is full
                        os.write(2, hidden.read())
                    raise
                finally:
                    _flush()
                    os.dup2(original, 2)
        finally:
            os.close(original)


def usual_errors() -> AbstractContextManager[None]:
    """Return a context with NumPy's default handling of floating-point errors, whatever ``np.seterr`` was called with.

    Examples
    --------
    >>> with np.errstate(all="raise"), usual_errors():
    ...     float(np.exp(np.float64(-1000)))
    0.0
    """
    return np.errstate(divide="warn", over="warn", under="ignore", invalid="warn")


def _flush() -> None:
    """Flush `sys.stderr`, which is None in a program without a terminal, and may be closed or full."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sys.stderr.flush()


def _memory_file() -> BinaryIO:
    """Return an empty file in memory; a device's disk may be full."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("stderr"), "w+b")
    import tempfile  # only Linux has files in memory

    return cast(BinaryIO, tempfile.TemporaryFile())


def installed_version(package: str, module: str = "") -> str:
    """Return the installed version of a package; an `ImportError` means that it is not installed.

    If another package has the module, such as ``onnxruntime-gpu`` or Debian's, return its ``__version__``.
    """
    from importlib import metadata  # slow: it imports the e-mail parser

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        found = importlib.import_module(module or package.replace("-", "_"))
        return str(getattr(found, "__version__", "unknown"))
