"""Run exported C code on emulated microcontrollers: the self-test and 100 images, compared to the bit."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mnist_exporters.formats.plugin import load_plugin
from mnist_tools.checkout import ToolError, command, output_of
from mnist_tools.mcu.boards import BOARDS
from mnist_tools.mcu.firmware import build_firmware, build_smallest, memory_of, run_firmware
from mnist_trainer import load_data

__all__ = ["check", "main"]

IMAGES = 100


def check(source: Path, board: str) -> str:
    """Run a C export on a board, and return a line with the memory that it needs.

    Raises
    ------
    ToolError
        If a score differs from those of the program on this machine.
    """
    device = load_plugin("c").load(source)
    images = load_data("digits").test.images[:IMAGES]
    expected = device.scores(images)
    with tempfile.TemporaryDirectory() as folder:
        row = BOARDS[board]
        program = build_firmware(source, images, row, Path(folder))
        answers, scores = run_firmware(program, row, expected.dtype)
        need = memory_of(build_smallest(source, row, Path(folder)))
    if not np.array_equal(scores, expected) or answers != expected.argmax(axis=1).tolist():
        raise ToolError(f"{source.name} gives other scores on {board} than on this machine.")
    return (
        f"{source.stem:20} {board:14} {len(images)} images equal, self-test passed, "
        f"{need.flash:,} bytes of flash, {need.ram:,} of RAM"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Check each file on each board."""
    parser = argparse.ArgumentParser(prog="scripts/tool mcu check", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="exported .c files of digits (default: tiny and cnn)")
    parser.add_argument("--board", action="append", choices=BOARDS, help="a processor; may be repeated (default: all)")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        files = options.files
        if not files:
            for model in ("tiny", "cnn"):
                output_of(command(f"mnist-export {model} --format c --quantize --data digits --output", folder))
            files = sorted(Path(folder).glob("*.c"))
        for file in files:
            for board in options.board or BOARDS:
                print(check(file, board), flush=True)
    return 0
