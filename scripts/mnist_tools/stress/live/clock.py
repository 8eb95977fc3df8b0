"""`Clock`: set the time of day for one process, without a change of the machine's clock."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

from mnist_tools.checkout import ToolError

__all__ = ["Clock"]

SOURCE = Path(__file__).with_name("clock.c")


class Clock:
    """A library, compiled into `folder`, that replaces the time functions of the C library (with ``LD_PRELOAD``).

    Raises
    ------
    ToolError
        If there is no C compiler, or it fails.
    """

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            raise ToolError("A clock that jumps needs a C compiler. Install one, such as gcc.")
        library = folder / "clock.so"
        self._shift = folder / "shift"
        self.jump(0)
        words = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ToolError(f"{compiler} cannot compile {SOURCE.name}: {done.stderr.strip()[:200]}")
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(self._shift)}

    def jump(self, seconds: int) -> None:
        """Set the time of day to `seconds` later than the real time."""
        with self._shift.open("r+b" if self._shift.exists() else "wb") as file:
            file.write(struct.pack("q", seconds))
