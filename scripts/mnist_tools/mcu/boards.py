"""`BOARDS`: processors, emulated boards with these processors, and the addresses of their memory."""

from __future__ import annotations

from dataclasses import dataclass

from mnist_exporters.formats.c.sizes.processors import PROCESSORS, Processor, cortex

__all__ = ["BOARDS", "Board"]


@dataclass(frozen=True)
class Board:
    """One row of `BOARDS`.

    Parameters
    ----------
    processor : Processor
        Its compilers.
    emulator : str
        Program of QEMU.
    package : str
        Debian's package of it.
    machine : tuple of str
        Arguments of QEMU that choose the board.
    flash, ram : tuple of (int, int)
        Start and size in bytes.
    """

    processor: Processor
    emulator: str
    package: str
    machine: tuple[str, ...]
    flash: tuple[int, int]
    ram: tuple[int, int]


def _cortex(name: str, machine: str, flash: tuple[int, int], ram: tuple[int, int]) -> Board:
    return Board(cortex(name), "qemu-system-arm", "qemu-system-arm", ("-M", machine), flash, ram)


MB = 1 << 20
BOARDS: dict[str, Board] = {
    "cortex-m0plus": _cortex("cortex-m0", "microbit", (0, MB // 4), (0x20000000, 0x4000)),
    "cortex-m3": _cortex("cortex-m3", "lm3s6965evb", (0, MB // 4), (0x20000000, 0x10000)),
    "cortex-m4": _cortex("cortex-m4", "mps2-an386", (0, 4 * MB), (0x20000000, 4 * MB)),
    "cortex-m33": _cortex("cortex-m33", "mps2-an505", (0x10000000, 4 * MB), (0x38000000, 2 * MB)),
    "rv32imc": Board(
        processor=PROCESSORS["rv32imc"],
        emulator="qemu-system-riscv32",
        package="qemu-system-misc",
        machine=("-M", "virt", "-bios", "none"),
        flash=(0x80000000, 4 * MB),
        ram=(0x80400000, 4 * MB),
    ),
}
"""Processor -> board. The Cortex-M0 has the instructions of the Cortex-M0+."""
