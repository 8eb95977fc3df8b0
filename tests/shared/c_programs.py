"""Generate, compile and run C code for tests."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from mnist_exporters.formats.c.compiler import Compiler, find_compiler
from mnist_exporters.formats.c.lower import lower
from mnist_exporters.formats.c.native import CFiles, NativeProgram
from mnist_exporters.formats.c.writing.header import Header
from mnist_exporters.formats.c.writing.source_code import SourceCode
from mnist_exporters.formats.c_pair import identifier, stamped_pair
from mnist_runtime import Classifier, Golden, Manifest

STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wconversion")
NO_GOLDEN = Golden(np.zeros((0, 28, 28), np.uint8), np.zeros((0, 10), np.uint8))

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
needs_clang = pytest.mark.skipif(shutil.which("clang") is None, reason="clang is not installed")


def manifest() -> Manifest:
    """Return the manifest of the ready model, for code whose facts do not matter."""
    return Classifier.load(backend="numpy").manifest


def c_files(
    content: bytes,
    stem: str = "model",
    *,
    activation: str | None = None,
    golden: Golden = NO_GOLDEN,
    prepares: bool = False,
) -> CFiles:
    """Return header and source for a ``.tflite`` model of ten classes."""
    program = lower(content)
    labels = tuple("0123456789")
    source = SourceCode(program, stem, identifier(stem), labels, activation, golden, prepares)
    header, text = stamped_pair(Header(source, manifest()).text(), source.text())
    return CFiles(header, text, stem)


def native(content: bytes, files: CFiles, *flags: str, compiler: Compiler | None = None) -> NativeProgram:
    """Compile code with strict warnings."""
    return NativeProgram(files, lower(content).scores, 10, compiler or find_compiler(), *STRICT, *flags)


def write(files: CFiles, folder: Path) -> Path:
    """Write header and source; return the source."""
    (folder / f"{files.stem}.h").write_text(files.header)
    source = folder / f"{files.stem}.c"
    source.write_text(files.source)
    return source
