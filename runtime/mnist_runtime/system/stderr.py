"""`quiet_stderr`: keep what native libraries write to stderr from the user, unless something unforeseen happens."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator

from mnist_runtime.errors import ToolkitError

__all__ = ["quiet_stderr"]


ONE_AT_A_TIME = threading.RLock()
"""The descriptor belongs to the whole process: threads that swapped it in turns would lose it."""


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hold back everything that is written to file descriptor 2; show it only if the block fails unforeseen.

    Interpreters greet on stderr from C++ ("INFO: Created TensorFlow Lite XNNPACK delegate for CPU."), before any
    log level can be set; a redirection of `sys.stderr` does not reach them.
    """
    with ONE_AT_A_TIME, tempfile.TemporaryFile() as kept:
        sys.stderr.flush()
        original = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except ToolkitError:
            raise  # its message says all
        except BaseException:
            sys.stderr.flush()
            os.dup2(original, 2)
            kept.seek(0)
            os.write(2, kept.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            os.close(original)
