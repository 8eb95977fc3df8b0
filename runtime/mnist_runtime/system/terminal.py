"""`Progress`: a line on the terminal with the present step of a command and the time left; and `quiet`."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType

__all__ = ["Progress", "is_quiet", "line_cleared", "quiet", "seconds_left", "step_of", "step_shown"]

PATIENCE = 0.5
"""Seconds before a line is shown; shorter steps show none."""
PERIOD = 0.25
"""Seconds between two updates of the line."""


class _Terminal:
    """State of the output to stderr in this process."""

    def __init__(self) -> None:
        self.is_quiet = False
        self.lock = threading.RLock()
        self.shown: int | None = None
        """Descriptor of the terminal with a line of progress."""


_TERMINAL = _Terminal()


def is_quiet() -> bool:
    """Return whether only results, warnings and errors are printed."""
    return _TERMINAL.is_quiet


@contextlib.contextmanager
def quiet(wanted: bool) -> Iterator[None]:
    """Print only results, warnings and errors in this block, if `wanted`."""
    before = _TERMINAL.is_quiet
    _TERMINAL.is_quiet = wanted
    try:
        yield
    finally:
        _TERMINAL.is_quiet = before


@contextlib.contextmanager
def line_cleared() -> Iterator[None]:
    """Remove the line of progress while the block prints something else."""
    with _TERMINAL.lock:
        if _TERMINAL.shown is not None:
            with contextlib.suppress(OSError):
                os.write(_TERMINAL.shown, b"\r\x1b[K")
            _TERMINAL.shown = None
        yield


def seconds_left(left: float, done: float, took: float, typical: float, since: float) -> float:
    """Estimate how long a task still takes.

    Typical times are those of a usual machine. The finished steps show by which factor this machine is slower.

    Parameters
    ----------
    left, done : float
        Sums of the typical seconds of the steps that follow and of those that are finished.
    took : float
        Seconds that the finished steps took.
    typical, since : float
        Typical seconds of the present step, and seconds since its start.

    Examples
    --------
    >>> seconds_left(left=20, done=10, took=30, typical=10, since=6)
    84.0
    """
    factor = took / done if done else max(1.0, since / typical) if typical else 1.0
    return max(typical * factor - since, 0.0) + left * factor


class Progress:
    """A context manager that shows the present step and the time left on a line of the terminal.

    Without a terminal, and in a `quiet` command, it does nothing.

    Parameters
    ----------
    typical : float
        Sum of the typical seconds of all steps.
    clock : callable, optional
        Returns seconds.
    """

    def __init__(self, typical: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._typical, self._clock = typical, clock
        self._done = self._took = 0.0
        self._step: tuple[str, float, float] | None = None  # text, typical seconds, start
        self._descriptor: int | None = None
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Progress:
        if not is_quiet() and sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            self._descriptor = os.dup(sys.stderr.fileno())  # native messages are hidden by moving descriptor 2
            self._thread = threading.Thread(target=self._show, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        if self._thread is not None and self._descriptor is not None:
            self._thread.join()
            with line_cleared():
                os.close(self._descriptor)
            self._descriptor = None

    @contextlib.contextmanager
    def step(self, text: str, typical: float) -> Iterator[None]:
        """Show `text` during a step that takes `typical` seconds on a usual machine."""
        start = self._clock()
        self._step = (text, typical, start)
        try:
            yield
        finally:
            with line_cleared():
                self._step = None
            self._done += typical
            self._took += self._clock() - start

    def line(self) -> str:
        """Return the text to show now; empty between two steps."""
        if (step := self._step) is None:
            return ""
        text, typical, start = step
        rest = max(self._typical - self._done - typical, 0.0)
        left = seconds_left(rest, self._done, self._took, typical, self._clock() - start)
        return f"{text}: {_duration(left)}"

    def _show(self) -> None:
        assert self._descriptor is not None
        wait = PATIENCE
        while not self._end.wait(wait):
            wait = PERIOD
            text = self.line()
            width = _columns(self._descriptor) - 1
            with _TERMINAL.lock:
                if text and self._step is not None:
                    with contextlib.suppress(OSError):
                        os.write(self._descriptor, f"\r\x1b[K{text[:width]}".encode(errors="replace"))
                    _TERMINAL.shown = self._descriptor


def step_of(progress: Progress | None, text: str, typical: float) -> contextlib.AbstractContextManager[None]:
    """Return `Progress.step`, or a context manager that does nothing without a `progress`."""
    return progress.step(text, typical) if progress else contextlib.nullcontext()


@contextlib.contextmanager
def step_shown(text: str, typical: float, *, show: bool = True) -> Iterator[None]:
    """Show a step that stands alone; see `Progress.step`. Do nothing unless `show`."""
    if not show:
        yield
        return
    with Progress(typical) as progress, progress.step(text, typical):
        yield


def _columns(descriptor: int) -> int:
    """Return the width of a terminal; 80 if it is not known."""
    try:
        return os.get_terminal_size(descriptor).columns or 80
    except OSError:
        return 80


def _duration(seconds: float) -> str:
    """Return the time left in words."""
    if seconds < 1:
        return "nearly done"
    if seconds < 100:
        return f"about {seconds:.0f} s left"
    return f"about {seconds / 60:.0f} min left" if seconds < 6000 else f"about {seconds / 3600:.0f} h left"
