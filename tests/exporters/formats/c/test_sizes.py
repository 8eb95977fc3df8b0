"""Flash and RAM of C exports, read from ELF files."""

import dataclasses
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_exporters import ExportReport, Precision
from mnist_exporters.formats.c.sizes.measure import measure_memory, memory_of
from mnist_exporters.formats.c.sizes.processors import PROCESSORS, Processor

USUAL = "cortex-m4"

WITH_COMPILER = [
    pytest.param(
        name,
        marks=[
            pytest.mark.skipif(not row.compiler(), reason="no compiler is installed"),
            *([] if name == USUAL else [pytest.mark.slow]),
        ],
    )
    for name, row in PROCESSORS.items()
]


@pytest.fixture
def source(exported: Callable[..., ExportReport]) -> Path:
    path = exported("tiny", "c", Precision.INT8).path
    assert path is not None
    return path


@pytest.mark.parametrize("processor", WITH_COMPILER)
def test_flash_has_all_constants_and_ram_all_variables(source: Path, processor: str) -> None:
    (need,) = measure_memory(source, {processor: PROCESSORS[processor]})
    header = source.with_suffix(".h").read_text()
    constants, variables = (
        int(header.partition(f"TINY_INT8_{name}_BYTES ")[2].split()[0]) for name in ("FLASH", "RAM")
    )
    assert constants + 4000 < need.flash_bytes < constants + 20_000, "code comes on top"
    assert variables <= need.ram_bytes < variables + 64
    assert need.flash_bytes <= 28_000
    assert need.ram_bytes <= 10_000


def test_each_measured_processor_is_in_the_report(exported: Callable[..., ExportReport]) -> None:
    report = exported("tiny", "c", Precision.INT8)
    rows = report.as_dict()["processors"]
    assert [row["processor"] for row in rows] == ([USUAL] if PROCESSORS[USUAL].compiler() else [])
    for row in rows:
        line = f"{row['flash_bytes']:,} bytes of flash, {row['ram_bytes']:,} of RAM on {USUAL}"
        assert line in str(report)
    without = str(dataclasses.replace(report, processors=()))
    lines = without.splitlines()
    missing = lines.index("  memory     Measuring it needs ziglang. Install with:")
    assert lines[missing + 1].strip() == "pip install 'mnist-edge-export[c]'"
    assert max(map(len, lines)) <= 80


def test_a_compiler_that_fails_gives_no_figure(source: Path) -> None:
    failing = Processor(zig=(), gcc=(sys.executable, "-c", "raise SystemExit(1)"))
    missing = Processor(zig=(), gcc=("no-such-compiler",))
    assert measure_memory(source, {"failing": failing, "missing": missing}) == ()


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
