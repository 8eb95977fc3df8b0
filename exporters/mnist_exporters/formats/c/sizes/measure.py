"""`measure_memory`: compile a C export for microcontrollers, and read the memory that it needs from the ELF files."""

from __future__ import annotations

import struct
import subprocess
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from mnist_exporters.formats.c.sizes.processors import PROCESSORS, Processor
from mnist_exporters.formats.c_pair import identifier
from mnist_exporters.spec.processor_memory import ProcessorMemory

__all__ = ["SIZE_FLAGS", "Sections", "measure_memory", "memory_of"]

SIZE_FLAGS = ("-std=gnu99", "-Os", "-ffreestanding", "-ffunction-sections", "-fdata-sections", "-nostartfiles")
SECONDS = 120
"""Time limit of one compilation."""

ALLOCATED, WRITABLE, NO_BITS = 2, 1, 8
"""SHF_ALLOC, SHF_WRITE and SHT_NOBITS: flags and a type of sections in an ELF file."""


class Sections(NamedTuple):
    """Bytes of flash and of static memory."""

    flash: int
    ram: int


def measure_memory(source: Path, processors: Mapping[str, Processor] | None = None) -> tuple[ProcessorMemory, ...]:
    """Compile a C export for size, with each installed compiler, and measure flash and static RAM.

    Parameters
    ----------
    source : Path
        The ``.c`` file, with the header beside it.
    processors : mapping of str to Processor, optional
        The processors to compile for. Default: `PROCESSORS`.

    Returns
    -------
    tuple of ProcessorMemory
        One for each processor for which a compiler is installed and works.
    """
    rows = {name: row for name, row in (processors or PROCESSORS).items() if row.compiler()}
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        place = Path(folder)
        _write(source, place)
        found = pool.map(lambda name: _measured(name, rows[name], source, place), rows)
        return tuple(filter(None, found))


def memory_of(program: Path) -> Sections:
    """Return the memory that a 32-bit ELF file needs, from its section table."""
    content = program.read_bytes()
    (table,) = struct.unpack_from("<I", content, 32)  # e_shoff
    size, count = struct.unpack_from("<HH", content, 46)  # e_shentsize, e_shnum
    flash = ram = 0
    for place in range(table, table + size * count, size):
        kind, flags, _, _, length = struct.unpack_from("<5I", content, place + 4)
        if flags & ALLOCATED:
            flash += 0 if kind == NO_BITS else length
            ram += length if flags & WRITABLE else 0
    return Sections(flash, ram)


def _write(source: Path, folder: Path) -> None:
    """Write the main program and the linker's script."""
    name = identifier(source.stem)
    header = source.with_suffix(".h").read_text("utf-8")
    prepare = f"  {name}_prepare(pixels, 1, 1, 1, pixels);" if f"{name}_prepare(" in header else ""
    files = resources.files("mnist_exporters.formats.c.sizes")
    text = (files / "program.c").read_text("utf-8")
    for old, new in {"@STEM@": source.stem, "@NAME@": name, "@PREPARE@": prepare}.items():
        text = text.replace(old, new)
    (folder / "program.c").write_text(text, "utf-8")
    (folder / "link.ld").write_text((files / "link.ld").read_text("utf-8"), "utf-8")


def _measured(name: str, row: Processor, source: Path, folder: Path) -> ProcessorMemory | None:
    program = folder / f"{name}.elf"
    link = ("-Wl,--gc-sections", "-T", folder / "link.ld", "-I", source.parent)
    words = [*row.compiler(), *SIZE_FLAGS, *link, folder / "program.c", source, "-o", program]
    try:
        done = subprocess.run(list(map(str, words)), capture_output=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    need = memory_of(program)
    return ProcessorMemory(name, need.flash, need.ram, row.compiler_name)
