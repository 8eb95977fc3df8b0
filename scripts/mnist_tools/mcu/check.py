"""Run exported C code on emulated microcontrollers: compare self-test, images and prepared pictures to the bit."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mnist_exporters.formats.c.sizes.measure import measure_memory
from mnist_exporters.formats.plugin import load_plugin
from mnist_runtime import prepare
from mnist_tools.checkout import ToolError, command, output_of
from mnist_tools.mcu.boards import BOARDS
from mnist_tools.mcu.firmware import build_firmware, run_firmware
from mnist_trainer import load_data

__all__ = ["check", "main"]

IMAGES = 100
STACK_LIMIT = 2048


def check(source: Path, board: str) -> str:
    """Run a C export on a board, and return a line with the memory that it needs.

    Raises
    ------
    ToolError
        If a score or a prepared pixel differs from that of this machine, or the stack is too large.
    """
    device = load_plugin("c").load(source)
    images = load_data("digits").test.images[:IMAGES]
    pictures = [images[0][::2, ::2], np.kron(images[1], np.ones((2, 2), np.uint8))]  # to enlarge, and to reduce
    if device.manifest.task.preparation != "mnist":
        pictures = []
    expected = device.scores(images)
    row = BOARDS[board]
    with tempfile.TemporaryDirectory() as folder:
        found = run_firmware(build_firmware(source, images, pictures, row, Path(folder)), row, expected.dtype)
    if not np.array_equal(found.scores, expected) or found.answers != expected.argmax(axis=1).tolist():
        raise ToolError(f"{source.name} gives other scores on {board} than on this machine.")
    right = [prepare(picture) for picture in pictures]
    if [each.tobytes() for each in right] != [each.tobytes() for each in found.prepared]:
        raise ToolError(f"{source.name} prepares pictures in another way on {board} than mnist-runtime does.")
    if max(found.stack) > STACK_LIMIT:
        raise ToolError(
            f"{source.name} uses {max(found.stack):,} bytes of stack on {board}, more than {STACK_LIMIT:,}."
        )
    (need,) = measure_memory(source, {board: row.processor})
    return (
        f"{source.stem:20} {board:14} {len(images)} images equal, self-test passed, {need.flash_bytes:,} bytes of "
        f"flash, {need.ram_bytes:,} of RAM, {found.stack[0]:,} of stack ({found.stack[-1]:,} with the preparation)"
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
