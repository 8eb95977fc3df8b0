"""`run_command`: run a command; print errors as one line on stderr and exit with their code."""

from __future__ import annotations

import atexit
import contextlib
import errno
import gc
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn, TextIO

from mnist_runtime.errors import DOCUMENTATION, MachineError, ToolkitError, first_line, machine_failure, printable
from mnist_runtime.system.terminal import is_quiet, line_cleared

__all__ = [
    "OPENCV_THREAD",
    "collect_often",
    "echo",
    "end_at_interrupt",
    "put_collections_off",
    "report_error",
    "run_command",
    "warn",
]

OPENCV_THREAD = "OpenCV"
"""Name of threads that may wait in OpenCV, whose C++ code aborts the process while Python ends."""


def end_at_interrupt() -> None:
    """Let Ctrl-C end this process at once, without a traceback from the imports, until `run_command` begins."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not ignored
        with contextlib.suppress(ValueError):  # not in the main thread
            signal.signal(signal.SIGINT, signal.SIG_DFL)


def put_collections_off() -> None:
    """Run a short command without garbage collections: they take 5 % of its time and find nothing."""
    gc.set_threshold(100_000)


def collect_often() -> None:
    """Collect garbage as usual again, for a command that runs for days. Objects that exist now are never checked."""
    gc.freeze()
    gc.set_threshold(1000, 10, 10)


def run_command(command: Callable[[], int]) -> NoReturn:
    """Run `command` and exit with its code, without a traceback.

    A `ToolkitError` has its own exit code. A failure of the machine, such as a full disk or stdout, gives 2. SIGTERM
    and SIGHUP clean up and exit with 143 and 129; a second signal does not disturb that. Any other error is a bug:
    exit 1, with the place of the error.
    """
    _open_closed_streams()
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        request = getattr(signal, name, None)
        if request and signal.getsignal(request) is signal.SIG_DFL:  # nohup ignores SIGHUP
            with contextlib.suppress(ValueError):  # not in the main thread
                signal.signal(request, _end_at_request)
    if isinstance(sys.stdout, io.TextIOWrapper):  # file names can have characters that the encoding lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = command()
        print(end="", flush=True)
    except KeyboardInterrupt:
        warn("stopped")
        code = 130
    except BrokenPipeError:  # stdout was closed, as by `head`: exit 141, as for SIGPIPE
        _discard(sys.stdout)
        code = 141
    except SystemExit as request:  # of a signal
        code = request.code  # type: ignore[assignment]
    except Exception as error:  # the only place that catches everything
        code = _report(error)
    _ignore_requests()
    gc.freeze()  # skip the final garbage collection, a sixth of a short run
    if any(thread.name == OPENCV_THREAD for thread in threading.enumerate()):
        atexit._run_exitfuncs()
        with contextlib.suppress(AttributeError, OSError, ValueError):  # no stdout, full or closed
            sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def _end_at_request(number: int, _: FrameType | None) -> NoReturn:
    _ignore_requests()
    sys.exit(128 + number)


def _ignore_requests() -> None:
    """Ignore signals that ask the process to end: during the cleanup, one would cause a traceback."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        request = getattr(signal, name, None)
        if request and signal.getsignal(request) in (signal.default_int_handler, _end_at_request):
            with contextlib.suppress(ValueError):  # not in the main thread
                signal.signal(request, signal.SIG_IGN)


def _report(error: Exception) -> int:
    """Print what `error` means for the user and return the exit code."""
    if problem := _stdout_problem(error):
        warn(f"error: The results cannot be written to stdout ({problem}). Give it another destination.")
        return 2
    if isinstance(error, ToolkitError):
        return report_error(error)
    if failure := machine_failure(error):
        return report_error(failure)
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:  # from `stat` too
        warn(f"error: Cannot use {error.filename}: {error.strerror}. Check the path.")
        return 2
    if isinstance(error, ImportError):
        warn(f"error: The package of {error.name} is missing or broken ({first_line(error)}). Install it again.")
        return 4
    frame = traceback.extract_tb(error.__traceback__)[-1]
    warn(
        f"error: unexpected {type(error).__name__}: {printable(str(error))} (at {frame.name}, line {frame.lineno} of "
        f"{Path(frame.filename).name}). This is a bug. Please report it."
    )
    return 1


def report_error(error: ToolkitError) -> int:
    """Print `error` on stderr, with its page of the documentation, and return its exit code.

    An error that the machine caused is reported as a `MachineError`.
    """
    if error.exit_code != MachineError.exit_code:
        error = machine_failure(error) or error
    warn(f"error: {error}" + (f" (see {DOCUMENTATION}/{error.page})" if error.page else ""))
    return error.exit_code


def echo(text: str) -> None:
    """Print information on stderr, except in a quiet command; see `warn`."""
    if not is_quiet():
        warn(text)


def warn(text: str) -> None:
    """Print lines of text on stderr, without control characters; a missing, closed or full stderr does not stop it.

    For warnings and errors; `echo` is for notes, which a quiet command leaves out.
    """
    if sys.stderr is None:  # `print` would take stdout
        return
    with line_cleared():
        try:
            print(*map(printable, text.split("\n")), sep="\n", file=sys.stderr, flush=True)
        except OSError:
            _discard(sys.stderr)


def _open_closed_streams() -> None:
    """Open the standard streams that were closed: otherwise, other files would get their descriptors.

    Messages to a closed stderr are dropped. Results to a closed stdout still raise an error, so that none is lost.
    """
    for number, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, mode), True)  # the lowest free number
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115


def _stdout_problem(error: Exception) -> str | None:
    """Return why stdout cannot be written, if that may have caused `error`, and drop its buffer; else None."""
    if not isinstance(error, OSError) or error.errno is None or error.filename is not None:
        return None
    try:
        sys.stdout.flush()
        os.write(1, b"\n")  # a stream without a buffer has nothing to flush
    except OSError as problem:
        _discard(sys.stdout)
        return problem.strerror
    return None


def _discard(stream: TextIO) -> None:
    """Redirect a closed stream to the null device; otherwise Python 3.10 fails to flush it and exits with 120."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
