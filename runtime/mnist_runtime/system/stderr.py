"""`quiet_stderr`: hide what native libraries write to stderr, unless they fail."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import BinaryIO, cast

from mnist_runtime.errors import ToolkitError
from mnist_runtime.system.forks import hold_while_forking

__all__ = ["quiet_stderr"]


ONE_AT_A_TIME = threading.RLock()
"""The file descriptor belongs to the whole process, so threads must take turns."""
hold_while_forking(ONE_AT_A_TIME)


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hide everything that is written to file descriptor 2; show it if the block raises an unexpected error.

    Interpreters print from C++, which replacing `sys.stderr` does not affect, and before a log level can be set.
    """
    with ONE_AT_A_TIME:
        try:
            original = os.dup(2)
        except OSError:  # stderr is closed, so there is nothing to hide
            yield
            return
        try:
            with _memory_file() as kept:
                _flush()
                os.dup2(kept.fileno(), 2)
                try:
                    yield
                except ToolkitError:
                    raise  # its message is complete
                except Exception:
                    _flush()
                    os.dup2(original, 2)
                    kept.seek(0)
                    with contextlib.suppress(OSError):  # stderr is full
                        os.write(2, kept.read())
                    raise
                finally:
                    _flush()
                    os.dup2(original, 2)
        finally:
            os.close(original)


def _flush() -> None:
    """Flush `sys.stderr`, which is None in a program without a terminal, and may be closed or full."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sys.stderr.flush()


def _memory_file() -> BinaryIO:
    """Return an empty file in memory; a device may have no place for another one."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("stderr"), "w+b")
    import tempfile  # only Linux has files in memory

    return cast(BinaryIO, tempfile.TemporaryFile())
