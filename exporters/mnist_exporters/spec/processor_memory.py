"""`ProcessorMemory`: memory that a compiled model needs on a microcontroller."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ProcessorMemory"]


@dataclass(frozen=True)
class ProcessorMemory:
    """Memory of a program that contains the whole model, read from its ELF file.

    Parameters
    ----------
    processor : str
        Name of the processor, such as ``"cortex-m4"``.
    flash_bytes : int
        Bytes of code, constants, test vectors, and the needed functions of the compiler's runtime library.
    ram_bytes : int
        Bytes of static variables. The stack is not included.
    compiler : str
        Name of the compiler, which optimized for size.
    """

    processor: str
    flash_bytes: int
    ram_bytes: int
    compiler: str

    def __str__(self) -> str:
        return f"{self.flash_bytes:,} bytes of flash, {self.ram_bytes:,} of RAM on {self.processor}"
