"""`Compiler`: the system's C compiler, or Zig's from the package ``ziglang``."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mnist_exporters.errors import ConversionError, missing_packages
from mnist_exporters.spec.format import FORMATS
from mnist_runtime.errors import raise_machine_failure

__all__ = ["Compiler", "find_compiler"]

SYSTEM = ("cc", "gcc", "clang")
"""Programs that compile C, the preferred first."""

FLAGS = ("-std=c99", "-O3")


@dataclass(frozen=True)
class Compiler:
    """A C compiler.

    Parameters
    ----------
    command : tuple of str
        The program and its first arguments.
    """

    command: tuple[str, ...]

    def build(self, sources: tuple[Path, ...], program: Path, *flags: str) -> None:
        """Compile and link a program.

        Parameters
        ----------
        sources : tuple of Path
            C source files.
        program : Path
            The file to write.
        *flags : str
            Further arguments.

        Raises
        ------
        ConversionError
            If the compiler rejects the code. The message contains its first error.
        MachineError
            If the compiler fails because of the machine, for example because a disk is full.
        """
        words = [*self.command, *FLAGS, *flags, *map(str, sources), "-o", str(program)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise_machine_failure(RuntimeError(done.stderr))
            reasons = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
            reason = reasons[0] if reasons else f"it ended with exit code {done.returncode}"
            raise ConversionError(f"{self.command[0]} cannot compile the C code: {reason}. Install another compiler.")


@cache
def find_compiler() -> Compiler:
    """Return the compiler to use: the system's, else Zig's.

    Raises
    ------
    MissingPackageError
        If there is none.
    """
    for name in SYSTEM:
        if shutil.which(name):
            return Compiler((name,))
    if importlib.util.find_spec("ziglang") is not None:
        return Compiler((sys.executable, "-m", "ziglang", "cc"))
    raise missing_packages("A C export", {"a C compiler (gcc, clang or ziglang)": FORMATS["c"].extra})
