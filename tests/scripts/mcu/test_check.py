"""Exported C code runs on emulated microcontrollers."""

import importlib.util
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_exporters import ExportReport, Precision
from mnist_tools.mcu.boards import BOARDS
from mnist_tools.mcu.check import check
from mnist_tools.mcu.firmware import memory_of

HAS_ZIG = importlib.util.find_spec("ziglang") is not None
HAS_GCC = shutil.which("arm-none-eabi-gcc") is not None

EMULATED = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            shutil.which(row.emulator) is None or not (HAS_ZIG or (row.gcc and HAS_GCC)),
            reason="QEMU or a compiler is not installed",
        ),
    )
    for name, row in BOARDS.items()
]


@pytest.mark.slow
@pytest.mark.parametrize("board", EMULATED)
def test_every_score_is_that_of_this_machine(exported: Callable[..., ExportReport], board: str) -> None:
    line = check(exported("tiny", "c", Precision.INT8).path, board)
    assert "100 images equal, self-test passed" in line


def test_memory_is_read_from_the_sections_of_an_elf_file(tmp_path: Path) -> None:
    """Code counts as flash, variables without a value as RAM, variables with a value as both; symbols do not count."""
    text, data, bss, symbols = (1, 2, 1000), (1, 3, 20), (8, 3, 300), (2, 0, 5000)
    header = struct.pack("<16x16xI10xHH2x", 52, 40, 4)
    table = b"".join(
        struct.pack("<10I", 0, kind, flags, 0, 0, length, 0, 0, 0, 0)
        for kind, flags, length in (text, data, bss, symbols)
    )
    (tmp_path / "program.elf").write_bytes(header + table)
    assert memory_of(tmp_path / "program.elf") == (1020, 320)
