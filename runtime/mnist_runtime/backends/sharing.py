"""`SharedBackends`: the interpreters of a classifier, for threads, copies and forked processes."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from mnist_runtime.backends.base import Backend
from mnist_runtime.errors import UsageError
from mnist_runtime.system.process import PATIENCE

__all__ = ["CLOSED", "SharedBackends"]

CLOSED = "This classifier is closed. Load it again."

OPEN: weakref.WeakSet[SharedBackends] = weakref.WeakSet()
FORK = threading.Lock()
"""Held during a fork; no call takes an interpreter then."""


class SharedBackends:
    """Interpreters with one model. Each call uses its own interpreter, and waits if none is free.

    Parameters
    ----------
    backends : sequence of Backend
        The interpreters.

    Notes
    -----
    A forked process has only the thread that forked. An interpreter or a lock of OpenBLAS that another thread was using
    would be in use for ever. So a fork waits until all interpreters are idle.
    """

    def __init__(self, backends: Sequence[Backend]) -> None:
        self._count = len(backends)
        self._owners: weakref.WeakSet[object] = weakref.WeakSet()
        self._closed = False
        # After closing, None wakes the waiting calls.
        self._idle: SimpleQueue[Backend | None] = SimpleQueue()
        self._taken: list[Backend] = []
        for backend in backends:
            self._idle.put(backend)
        OPEN.add(self)

    def share(self, owner: object) -> SharedBackends:
        """Add an owner, and return the same interpreters."""
        self._owners.add(owner)
        return self

    def close(self, owner: object) -> None:
        """Remove an owner. After the last one, release the interpreters; waiting and later calls raise an error."""
        self._owners.discard(owner)
        if not self._owners:
            self._closed = True
            self._release()

    def take(self) -> Backend:
        """Return an idle interpreter.

        Raises
        ------
        UsageError
            If they are closed, or were in use when this process was forked.
        """
        if self._count == 0:
            raise UsageError(
                "This process was forked while another thread used this classifier. Load it again in this process."
            )
        with FORK:  # wait for a fork
            pass
        backend = None if self._closed else self._idle.get()
        if backend is None:
            self._release()  # wakes the next waiting call
            raise UsageError(CLOSED)
        return backend

    def give(self, backend: Backend) -> None:
        """Put an interpreter back after use."""
        self._idle.put(backend)
        if self._closed:
            self._release()

    def exchange(self, backend: Backend) -> Backend:
        """Return an interpreter for the next batch; let a waiting fork go first."""
        if FORK.locked():
            self.give(backend)
            return self.take()
        return backend

    def _release(self) -> None:
        """Empty the queue, and put a None into it for the next waiting call."""
        with contextlib.suppress(Empty):
            while True:
                self._idle.get_nowait()
        self._idle.put(None)

    def _take_all(self, deadline: float) -> None:
        """Take all interpreters, or those that are idle before `deadline`."""
        with contextlib.suppress(Empty):
            while not self._closed and len(self._taken) < self._count:
                backend = self._idle.get(timeout=max(0.0, deadline - time.monotonic()))
                if backend is not None:  # closed meanwhile
                    self._taken.append(backend)

    def _resume(self, *, is_child: bool) -> None:
        taken, self._taken = self._taken, []
        if is_child and not self._closed:
            self._idle, self._count = SimpleQueue(), len(taken)
        for backend in taken:
            self._idle.put(backend)
        if self._closed:
            self._release()


def _before_fork() -> None:
    FORK.acquire()
    deadline = time.monotonic() + PATIENCE
    for each in list(OPEN):
        each._take_all(deadline)


def _after_fork(*, is_child: bool) -> None:
    for each in list(OPEN):
        each._resume(is_child=is_child)
    FORK.release()


if hasattr(os, "register_at_fork"):  # Windows has no forks
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=lambda: _after_fork(is_child=False),
        after_in_child=lambda: _after_fork(is_child=True),
    )
