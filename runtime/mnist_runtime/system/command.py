"""`run_command`: the boundary at which errors become one sentence on stderr and an exit code."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TextIO

from mnist_runtime.errors import ToolkitError

__all__ = ["echo", "report_error", "run_command"]


def run_command(command: Callable[[], int]) -> NoReturn:
    """Run `command` and leave the process with its exit code; no traceback reaches the user.

    A `ToolkitError` gives its own exit code. A polite request to end (SIGTERM) and a terminal that closes (SIGHUP) let
    what is open be cleaned up: 143 and 129. Anything else is a bug of ours: exit 1, with the place it came from.
    """
    for name in ("SIGTERM", "SIGHUP"):  # Windows lacks the second
        request = getattr(signal, name, None)
        if request and signal.getsignal(request) is signal.SIG_DFL:  # nohup has it ignored
            with contextlib.suppress(ValueError):  # not in the main thread, where signals are not ours
                signal.signal(request, lambda number, _: sys.exit(128 + number))
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file's name may hold what no encoding has
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = command()
        sys.stdout.flush()
    except ToolkitError as error:
        code = report_error(error)
    except KeyboardInterrupt:
        echo("stopped")
        code = 130
    except ImportError as error:
        echo(f"error: expected the package {error.name}, it is not installed or broken ({error}): pip install it.")
        code = 4
    except BrokenPipeError:  # the reader of our stdout left, as `head` does; nobody listens, nothing is well
        _discard(sys.stdout)
        code = 141
    except Exception as error:  # the one place that may catch everything
        frame = traceback.extract_tb(error.__traceback__)[-1]
        echo(
            f"error: unexpected {type(error).__name__}: {error} (at {frame.name}, line {frame.lineno} of "
            f"{Path(frame.filename).name}); this is a bug, please report it."
        )
        code = 1
    gc.freeze()  # what is left goes with the process; to look through it for garbage first takes a sixth of a short one
    sys.exit(code)


def report_error(error: ToolkitError) -> int:
    """Print `error` for a person and return its exit code."""
    echo(f"error: {error}")
    return error.exit_code


def echo(text: str) -> None:
    """Print `text` for a person on stderr; a reader that has left must not change what the command does."""
    try:
        print(text, file=sys.stderr, flush=True)
    except BrokenPipeError:
        _discard(sys.stderr)


def _discard(stream: TextIO) -> None:
    """Let what a reader that left has not read go nowhere; else Python up to 3.10 ends with 120 on flushing it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
