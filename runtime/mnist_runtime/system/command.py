"""`run_command`: run a command; print errors as one line on stderr and exit with their code."""

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

from mnist_runtime.errors import ToolkitError, first_line

__all__ = ["echo", "report_error", "run_command"]


def run_command(command: Callable[[], int]) -> NoReturn:
    """Run `command` and exit with its code, without a traceback.

    A `ToolkitError` has its own exit code. SIGTERM and SIGHUP clean up and exit with 143 and 129. Any other error is a
    bug: exit 1, with the place of the error.
    """
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        request = getattr(signal, name, None)
        if request and signal.getsignal(request) is signal.SIG_DFL:  # nohup ignores SIGHUP
            with contextlib.suppress(ValueError):  # not in the main thread
                signal.signal(request, lambda number, _: sys.exit(128 + number))
    if isinstance(sys.stdout, io.TextIOWrapper):  # file names can have characters that the encoding lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = command()
        print(end="", flush=True)
    except ToolkitError as error:
        code = report_error(error)
    except KeyboardInterrupt:
        echo("stopped")
        code = 130
    except ImportError as error:
        echo(f"error: The package of {error.name} is missing or broken ({first_line(error)}). Install it again.")
        code = 4
    except BrokenPipeError:  # stdout was closed, as by `head`: exit 141, as for SIGPIPE
        _discard(sys.stdout)
        code = 141
    except Exception as error:  # the only place that catches everything
        frame = traceback.extract_tb(error.__traceback__)[-1]
        echo(
            f"error: unexpected {type(error).__name__}: {error} (at {frame.name}, line {frame.lineno} of "
            f"{Path(frame.filename).name}). This is a bug. Please report it."
        )
        code = 1
    gc.freeze()  # skip the final garbage collection, a sixth of a short run
    sys.exit(code)


def report_error(error: ToolkitError) -> int:
    """Print `error` on stderr and return its exit code."""
    echo(f"error: {error}")
    return error.exit_code


def echo(text: str) -> None:
    """Print `text` on stderr; a closed or full stderr does not stop it."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)


def _discard(stream: TextIO) -> None:
    """Redirect a closed stream to the null device; otherwise Python 3.10 fails to flush it and exits with 120."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
