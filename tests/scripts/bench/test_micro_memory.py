"""Memory of C code, beside TensorFlow Lite Micro's."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mnist_tools.bench.micro_memory import Memory, Need, Program, compiled_memory, page

pytestmark = pytest.mark.skipif(not (shutil.which("gcc") and shutil.which("objdump")), reason="gcc is not installed")

LIBRARY = """
namespace tflite { namespace micro {
__attribute__((noinline)) int LeafOf(int value) { return value * value + 7; }
__attribute__((noinline)) int BranchOf(int value) { return value + 9; }
static int (*const table[])(int) = {LeafOf, BranchOf};
int compress(int value) { return value / 3; }
int Register_ADD(int value) { return table[value](value) + compress(value); }
int Register_SUB(int value) { return value - 1; }
}}
"""
NOTHING = re.compile("(?!)")


def test_code_is_counted_through_calls_and_tables(tmp_path: Path) -> None:
    (tmp_path / "library.cc").write_text(LIBRARY)
    library = tmp_path / "library.so"
    subprocess.run(
        ["gcc", "-O1", "-fno-inline", "-shared", "-fPIC", tmp_path / "library.cc", "-o", library], check=True
    )
    program = Program(library)
    sizes = {program.names[start].split("(")[0].split("::")[-1]: size for start, size in program.sizes.items()}
    reached = program.reached(["Register_ADD("], NOTHING)
    assert reached == sum(sizes[name] for name in ("Register_ADD", "compress", "LeafOf", "BranchOf", "table"))
    assert program.reached(["Register_ADD("], re.compile("compress")) == reached - sizes["compress"]
    with pytest.raises(Exception, match="no symbol Register_MUL"):
        program.reached(["Register_MUL("], NOTHING)


def test_constants_are_flash_and_zeros_are_memory(tmp_path: Path) -> None:
    source = tmp_path / "pair.c"
    source.write_text("const char weights[5000] = {1};\nstatic char arena[3000];\nchar *pair(void) { return arena; }\n")
    need = compiled_memory(source, "-Os")
    assert 5000 < need.flash < 5200
    assert 3000 <= need.ram < 3100


def test_the_page_compares_with_the_smaller_code() -> None:
    text = page([Memory("cnn", {"C, -Os": Need(100, 10), "C, -O3": Need(120, 10), "TFLM": Need(250, 30)})])
    assert "| `cnn` | 100 / 10 | 120 / 10 | 250 / 30 | 2.5 / 3.0 |" in text
