"""Measure the resident memory of a process, and how much it grows. Linux only."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from pathlib import Path

__all__ = ["STEPS", "growth", "resident_bytes"]

STEPS = 100
"""Number of steps into which a check for growth is divided. The memory is read after each step."""


def resident_bytes(process: int | str = "self") -> int:
    """Return the resident memory of the process with this id; by default, of this one."""
    found = re.search(r"VmRSS:\s*(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def growth(memory: Sequence[int], warm_up: int = 10) -> int:
    """Return how much `memory`, read after each step, grew.

    Compares the median of the last ten steps with the median of the ten steps after the warm-up.

    Examples
    --------
    >>> growth([900] * 10 + [1000] * 80 + [1024] * 10)
    24
    """
    return round(statistics.median(memory[-10:]) - statistics.median(memory[warm_up : warm_up + 10]))
