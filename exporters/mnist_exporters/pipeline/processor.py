"""`processor_name`: the processor that an export was made on, for the manifest."""

from __future__ import annotations

import platform
import re
from pathlib import Path

__all__ = ["processor_name"]

CPUINFO = Path("/proc/cpuinfo")
"""Where Linux describes the processors."""


def processor_name(cpuinfo: Path = CPUINFO) -> str:
    """Return the processor's name as the system gives it, such as ``"AMD EPYC"``; else that of the machine.

    The same model, data and versions give the same bytes on one kind of processor only: TensorFlow's arithmetic differs
    in the last bits between kinds.

    Examples
    --------
    >>> processor_name().isprintable()
    True
    """
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        text = ""
    found = re.search(r"^(?:model name|Model)\s*:\s*(.+?)\s*$", text, re.MULTILINE)
    name = found[1] if found else platform.processor() or platform.machine()
    return "".join(character for character in name if character.isprintable())[:80]
