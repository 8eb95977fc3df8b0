"""`hold_while_forking`: no other thread holds a lock during a fork; its copy in the child would never be released."""

from __future__ import annotations

import os
from typing import Any

__all__ = ["PATIENCE", "hold_while_forking"]

PATIENCE = 10.0
"""Seconds for which a fork waits until other threads have ended what the child could not use while it goes on."""


def hold_while_forking(lock: Any) -> None:
    """Let each fork wait until this `threading.RLock` is free, and keep it until the fork is done.

    Examples
    --------
    >>> from threading import RLock
    >>> hold_while_forking(RLock())
    """
    taken: list[bool] = []

    def release_in_child() -> None:
        if taken.pop():
            lock.release()
        else:
            lock._at_fork_reinit()  # as Python's own modules do

    if hasattr(os, "register_at_fork"):  # Windows has no forks
        os.register_at_fork(
            before=lambda: taken.append(lock.acquire(timeout=PATIENCE)),
            after_in_parent=lambda: lock.release() if taken.pop() else None,
            after_in_child=release_in_child,
        )
