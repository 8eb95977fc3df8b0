"""`run_command`: the boundary at which errors become one sentence on stderr and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from mnist_runtime.errors import ToolkitError

__all__ = ["run_command"]


def run_command(command: Callable[[], int]) -> NoReturn:
    """Run `command` and leave the process with its exit code; no traceback reaches the user.

    A `ToolkitError` gives its own exit code. Anything else is a bug of ours: exit 1, with the place it came from.
    """
    try:
        code = command()
        sys.stdout.flush()
    except ToolkitError as error:
        code = report_error(error)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        code = 130
    except BrokenPipeError:  # the reader of our stdout left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:  # the one place that may catch everything
        frame = traceback.extract_tb(error.__traceback__)[-1]
        print(
            f"error: unexpected {type(error).__name__}: {error} (at {frame.name}, line {frame.lineno} of "
            f"{Path(frame.filename).name}); this is a bug, please report it.",
            file=sys.stderr,
        )
        code = 1
    sys.exit(code)


def report_error(error: ToolkitError) -> int:
    """Print `error` for a person and return its exit code."""
    print(f"error: {error}", file=sys.stderr)
    return error.exit_code
