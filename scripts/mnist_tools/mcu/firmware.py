"""Build programs for boards, measure the memory that they need, and run them in QEMU."""

from __future__ import annotations

import importlib.util
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mnist_exporters.formats.c_pair import identifier, numbers_text
from mnist_tools.checkout import ToolError
from mnist_tools.mcu.boards import Board

__all__ = ["Need", "build_firmware", "build_smallest", "memory_of", "run_firmware"]

HERE = Path(__file__).parent
FLAGS = ("-std=gnu99", "-Os", "-ffreestanding", "-ffunction-sections", "-fdata-sections", "-nostartfiles")
SECONDS = 300
ALLOCATED, WRITABLE, NO_BITS = 2, 1, 8
"""Flags and a type of sections in an ELF file."""
HEXADECIMAL = re.compile("[0-9a-f]{2}( [0-9a-f]{2})+")


class Need(NamedTuple):
    """Bytes of flash and of static memory."""

    flash: int
    ram: int


def build_firmware(source: Path, images: npt.NDArray[np.uint8], board: Board, folder: Path) -> Path:
    """Compile a program that classifies `images` with the exported `source`; return the ELF file."""
    text = f"#define IMAGES {len(images)}\nstatic const uint8_t images[] = {{\n{numbers_text(images)}}};\n"
    (folder / "images.h").write_text(text)
    return _build("firmware.c", source, board, folder, "")


def build_smallest(source: Path, board: Board, folder: Path) -> Path:
    """Compile a program that uses every function of the header; return the ELF file."""
    name = identifier(source.stem)
    call = f"  {name}_prepare(pixels, 1, 1, 1, pixels);" if f"{name}_prepare(" in source.read_text("utf-8") else ""
    return _build("smallest.c", source, board, folder, call)


def _build(main: str, source: Path, board: Board, folder: Path, prepare: str) -> Path:
    name = identifier(source.stem)
    words = {"@STEM@": source.stem, "@NAME@": name, "@UPPER@": name.upper(), "@PREPARE@": prepare}
    places = {"FLASH_START": board.flash[0], "FLASH_SIZE": board.flash[1]}
    places |= {"RAM_START": board.ram[0], "RAM_SIZE": board.ram[1]}
    for file, changes in ((main, words), ("memory.ld", {key: hex(place) for key, place in places.items()})):
        text = (HERE / file).read_text("utf-8")
        for old, new in changes.items():
            text = text.replace(old, new)
        (folder / file).write_text(text, "utf-8")
    program = folder / f"{main}.elf"
    sources = (HERE / "startup.c", folder / main, source)
    link = ("-Wl,--gc-sections", "-T", folder / "memory.ld", "-I", source.parent, "-I", folder)
    done = subprocess.run(
        list(map(str, [*_compiler(board), *FLAGS, *link, *sources, "-o", program])),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ToolError(f"The program for {' '.join(board.machine)} cannot be built:\n{done.stderr}")
    return program


def _compiler(board: Board) -> tuple[str, ...]:
    if importlib.util.find_spec("ziglang") is not None:
        return (sys.executable, "-m", "ziglang", "cc", *board.target)
    if board.gcc and shutil.which("arm-none-eabi-gcc"):
        return ("arm-none-eabi-gcc", *board.gcc)
    raise ToolError(
        "No compiler for this processor is installed. Install ziglang with pip, or gcc-arm-none-eabi from Debian for "
        "Cortex-M."
    )


def memory_of(program: Path) -> Need:
    """Return the memory that an ELF file needs, from the table of its sections."""
    content = program.read_bytes()
    (table,) = struct.unpack_from("<I", content, 32)
    size, count = struct.unpack_from("<HH", content, 46)
    flash = ram = 0
    for place in range(table, table + size * count, size):
        kind, flags, _, _, length = struct.unpack_from("<5I", content, place + 4)
        if flags & ALLOCATED:
            flash += 0 if kind == NO_BITS else length
            ram += length if flags & WRITABLE else 0
    return Need(flash, ram)


def run_firmware(program: Path, board: Board, scores: np.dtype[Any]) -> tuple[list[int], npt.NDArray[Any]]:
    """Run a program of `build_firmware` in QEMU; return the classes and the scores that it prints.

    Raises
    ------
    ToolError
        If QEMU is missing, or the program fails.
    """
    if shutil.which(board.emulator) is None:
        raise ToolError(f"{board.emulator} is not installed. Install Debian's package {board.package}.")
    words = [board.emulator, *board.machine, "-nographic", "-semihosting", "-kernel", str(program)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL)
    # QEMU's own warnings are in the same stream.
    lines = [line for line in (done.stdout + done.stderr).splitlines() if HEXADECIMAL.fullmatch(line)]
    printed = [bytes.fromhex(line) for line in lines]
    if done.returncode != 0:
        raise ToolError(f"The self-test failed on {' '.join(board.machine)} with exit code {done.returncode}.")
    return [line[0] for line in printed], np.array([np.frombuffer(line[1:], scores) for line in printed])
