"""Measure flash and RAM of C exports beside TensorFlow Lite Micro's, in the same way: both compiled for x86-64.

TensorFlow Lite Micro (TFLM) is the package tflite-micro. Its code is counted as a linker with ``--gc-sections`` would
keep it: what the interpreter's constructor, ``AllocateTensors``, ``Invoke`` and the registrations of the model's
operators reach, by calls and by tables of function pointers.
"""

from __future__ import annotations

import argparse
import bisect
import importlib.util
import re
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from mnist_exporters import ExportSession, ExportSpec, open_session
from mnist_exporters.formats.c.compiler import Compiler, find_compiler
from mnist_exporters.formats.plugin import load_plugin
from mnist_runtime.system.atomic import atomic_write
from mnist_tools.bench.runtime import machine
from mnist_tools.checkout import ROOT, ToolError

__all__ = ["Memory", "Need", "Program", "compiled_memory", "main", "measure", "page"]

PAGE = ROOT / "docs" / "results" / "c-memory.md"
MODELS = ("cnn", "tiny", "mlp")
LEVELS = ("-Os", "-O3")
COMPRESSION = re.compile("compress", re.IGNORECASE)
"""Symbols for compressed weights. They are not counted, because most programs are built without this option."""

ENTRIES = ("MicroInterpreter::MicroInterpreter(", "MicroInterpreter::AllocateTensors(", "MicroInterpreter::Invoke(")
ADDRESS, NAMED = re.compile(r"\s+([0-9a-f]+):\s+(.*)"), re.compile(r"([0-9a-f]+) <([^>]+)>")
POINTERS = ("R_X86_64_RELATIVE", "R_X86_64_64", "R_X86_64_GLOB_DAT")


class Need(NamedTuple):
    """Flash and RAM that a model needs, in bytes, without the stack."""

    flash: int
    ram: int

    def __str__(self) -> str:
        return f"{self.flash:,} / {self.ram:,}"


class Memory(NamedTuple):
    """Flash and RAM that a model needs with each engine."""

    model: str
    needs: dict[str, Need]


def _printed(*words: str | Path) -> list[str]:
    try:
        done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=120, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolError(f"{words[0]} does not work: {error}. Install it with: sudo apt install binutils") from error
    return done.stdout.splitlines()


class Program:
    """The symbols of a compiled x86-64 library, and the symbols that each of them uses.

    Parameters
    ----------
    path : Path
        The library, with its table of symbols.
    """

    def __init__(self, path: Path) -> None:
        self.sizes: dict[int, int] = {}
        self.names: dict[int, str] = {}
        for line in _printed("nm", "--print-size", "--demangle", "--defined-only", path):
            address, size, _, name = [*line.split(maxsplit=3), "", "", ""][:4]
            if len(size) == len(address):
                self.sizes[int(address, 16)], self.names[int(address, 16)] = int(size, 16), name
        self._starts = sorted(self.sizes)
        self._uses: dict[int, set[int]] = defaultdict(set)
        exported = {line.split()[2]: int(line.split()[0], 16) for line in _printed("nm", "-D", "--defined-only", path)}
        for line in _printed("objdump", "--disassemble", "--no-show-raw-insn", "--section=.text", path):
            if found := ADDRESS.match(line):
                for target, name in NAMED.findall(found[2]):
                    linked = exported.get(name.removesuffix("@plt")) if name.endswith("@plt") else int(target, 16)
                    self._add(int(found[1], 16), linked)
        for line in _printed("readelf", "--relocs", "--wide", path):
            words = line.split()
            if len(words) > 3 and words[2] in POINTERS:
                self._add(int(words[0], 16), int(words[3], 16))

    def _symbol(self, address: int) -> int | None:
        """Return the start of the symbol that contains `address`."""
        start = self._starts[max(0, bisect.bisect_right(self._starts, address) - 1)]
        return start if start <= address < start + self.sizes[start] else None

    def _add(self, user: int, used: int | None) -> None:
        first, second = self._symbol(user), None if used is None else self._symbol(used)
        if first is not None and second is not None:
            self._uses[first].add(second)

    def reached(self, beginnings: Iterable[str], without: re.Pattern[str]) -> int:
        """Return the size in bytes of all symbols that can be reached from some symbols, like a linker does.

        `beginnings` are the beginnings of the names of the first symbols. Names that match `without` are not counted.

        Raises
        ------
        ToolError
            If no symbol has one of the names.
        """
        todo: list[int] = []
        for beginning in beginnings:
            found = [start for start, name in self.names.items() if name.startswith(f"tflite::micro::{beginning}")]
            if not found:
                raise ToolError(f"The package tflite-micro has no symbol {beginning}...; its names have changed.")
            todo += found
        seen = set(todo)
        while todo:
            new = {used for used in self._uses[todo.pop()] if not without.search(self.names[used])} - seen
            seen |= new
            todo += new
        return sum(self.sizes[start] for start in seen)


def _tflm_library() -> Path:
    found = importlib.util.find_spec("tflite_micro")
    if found is None or found.origin is None:
        raise ToolError("TFLM's figures need tflite-micro. Install it with: pip install tflite-micro")
    return Path(found.origin).parent / "python" / "tflite_micro" / "_runtime.so"


def compiled_memory(source: Path, level: str) -> Need:
    """Compile a C export for this machine at an optimisation level, and return what its object file needs."""
    compiler = find_compiler()
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "pair.o"
        Compiler(compiler.command).build((source,), program, "-c", level)
        text, data, zeros = map(int, _printed("size", program)[1].split()[:3])
    return Need(text + data, data + zeros)


def measure(session: ExportSession, model: str, tflm: Program) -> Memory:
    """Export a model as int8 in both formats, and return what they need."""
    with tempfile.TemporaryDirectory() as folder:
        source, header = (session.export(ExportSpec(format, "int8"), folder).path for format in ("c", "tflm"))
        assert source is not None
        assert header is not None
        needs = {f"C, {level}": compiled_memory(source, level) for level in LEVELS}
        array = load_plugin("tflm").open(header)
        operators = [f"Register_{name}(" for name in sorted(set(array.manifest.requires["operators"]))]
        code = tflm.reached([*ENTRIES, *operators], COMPRESSION)
        arena = array.manifest.requires["arena_bytes"]
        needs["TFLM"] = Need(code + len(array.content), arena)
    return Memory(model, needs)


def page(rows: Sequence[Memory]) -> str:
    """Return the text of the page."""
    names = list(rows[0].needs)
    lines = [f"| model | {' | '.join(names)} | TFLM / C, -Os |", "|---|" + "--:|" * (len(names) + 1)]
    for row in rows:
        small, tflm = row.needs["C, -Os"], row.needs["TFLM"]
        ratio = f"{tflm.flash / small.flash:.1f} / {tflm.ram / small.ram:.1f}"
        lines.append(f"| `{row.model}` | {' | '.join(map(str, row.needs.values()))} | {ratio} |")
    table = "\n".join(lines)
    return f"""\
# Memory of C code

Written by `scripts/tool bench micro-memory --write`; do not edit. Machine: {machine()}; {find_compiler().command[0]}.
Each cell is bytes of flash / bytes of static RAM of an int8 model on **x86-64**, the one processor for which both can
be measured here. Figures of microcontrollers differ: the report of `mnist-export --format c` has those of the C code.

- C: the whole exported file: weights, code, preparation of pictures, self-test with its ten pictures.
- TFLM: the model, and the code of the interpreter and of the model's operators which a linker would keep, without the
  optional code for compressed weights; RAM is the arena. The package tflite-micro, as its makers compiled it.

{table}
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure each model and print the page."""
    parser = argparse.ArgumentParser(prog="scripts/tool bench micro-memory", description=__doc__)
    parser.add_argument("models", nargs="*", default=list(MODELS), metavar="MODEL", help=f"default: {' '.join(MODELS)}")
    parser.add_argument("--data", default="mnist", help="images to prove the exports with (default: mnist)")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    options = parser.parse_args(argv)
    tflm = Program(_tflm_library())
    text = page([measure(open_session(model, options.data), model, tflm) for model in options.models])
    print(text, end="")
    if options.write:
        with atomic_write(PAGE) as staged:
            staged.write_text(text, "utf-8")
    return 0
