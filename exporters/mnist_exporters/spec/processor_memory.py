"""`ProcessorMemory`: memory that a compiled model needs on a microcontroller."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ProcessorMemory"]


@dataclass(frozen=True)
class ProcessorMemory:
    """Memory of a program with the whole model, measured in its ELF file.

    Parameters
    ----------
    processor : str
        Such as ``"cortex-m4"``.
    flash_bytes : int
        Code, constants, test vectors, and the functions of the compiler's library that it needs.
    ram_bytes : int
        Static variables; the stack comes on top.
    compiler : str
        Program that compiled it, for size.
    """

    processor: str
    flash_bytes: int
    ram_bytes: int
    compiler: str

    def __str__(self) -> str:
        return f"{self.flash_bytes:,} bytes of flash, {self.ram_bytes:,} of RAM on {self.processor}"
