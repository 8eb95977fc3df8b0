"""`PROCESSORS`: microcontrollers for which C exports are compiled, and the compilers for them."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from dataclasses import dataclass

__all__ = ["PROCESSORS", "Processor", "cortex"]


@dataclass(frozen=True)
class Processor:
    """One row of `PROCESSORS`.

    Parameters
    ----------
    zig : tuple of str
        Arguments of Zig's C compiler that choose the processor; empty if it does not support it.
    gcc : tuple of str
        GCC command for the processor and its arguments; empty if GCC does not support it.
    """

    zig: tuple[str, ...]
    gcc: tuple[str, ...]

    def compiler(self) -> tuple[str, ...]:
        """Return the command of an installed C compiler, Zig's first; empty if there is none."""
        if self.zig and importlib.util.find_spec("ziglang") is not None:
            return (sys.executable, "-m", "ziglang", "cc", *self.zig)
        return self.gcc if self.gcc and shutil.which(self.gcc[0]) else ()

    @property
    def compiler_name(self) -> str:
        """Name of the compiler that `compiler` returns; empty if there is none."""
        found = self.compiler()
        return "" if not found else "zig" if found[0] == sys.executable else found[0]


def cortex(name: str) -> Processor:
    """Return the row of a Cortex-M, such as ``"cortex-m4"``."""
    return Processor(
        zig=("-target", "thumb-freestanding-eabi", f"-mcpu={name.replace('-', '_')}"),
        gcc=("arm-none-eabi-gcc", f"-mcpu={name}", "-mthumb"),
    )


PROCESSORS: dict[str, Processor] = {
    "cortex-m0plus": cortex("cortex-m0plus"),
    "cortex-m4": cortex("cortex-m4"),
    "cortex-m33": cortex("cortex-m33"),
    "rv32imc": Processor(
        zig=("-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c"),
        gcc=("riscv64-unknown-elf-gcc", "-march=rv32imc", "-mabi=ilp32"),
    ),
    "xtensa-lx106": Processor(
        zig=(), gcc=("xtensa-lx106-elf-gcc", "-mlongcalls", "-nolibc", "-Wl,--unresolved-symbols=ignore-all")
    ),
}
"""Name -> compilers. Xtensa LX106 is in the ESP8266, whose ROM has the functions for floats and products of 64 bits."""
