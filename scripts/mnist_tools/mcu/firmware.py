"""Build programs for boards and run them in QEMU."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mnist_exporters.formats.c.sizes.measure import SIZE_FLAGS
from mnist_exporters.formats.c_pair import identifier, numbers_text
from mnist_tools.checkout import ToolError
from mnist_tools.mcu.boards import Board

__all__ = ["Printed", "build_firmware", "run_firmware"]

HERE = Path(__file__).parent
SECONDS = 300
PRINTED = re.compile("(class|scores|stack|prepared) ([0-9a-f]{2}(?: [0-9a-f]{2})*)")

Images = npt.NDArray[np.uint8]


class Printed(NamedTuple):
    """The output of a program from `build_firmware`.

    Parameters
    ----------
    answers : list of int
        The class of each image.
    scores : ndarray
        The integers of all scores.
    prepared : list of ndarray
        The pixels that the preparation makes of each picture.
    stack : list of int
        Bytes of stack that classification and self-test used, and the same with the preparation.
    """

    answers: list[int]
    scores: npt.NDArray[Any]
    prepared: list[Images]
    stack: list[int]


def build_firmware(source: Path, images: Images, pictures: Sequence[Images], board: Board, folder: Path) -> Path:
    """Compile a program with an exported C file.

    Parameters
    ----------
    source : Path
        The exported file.
    images : ndarray
        Images to classify.
    pictures : sequence of ndarray
        Gray pictures to prepare.
    board : Board
        Where it will run.
    folder : Path
        Where to write it.

    Returns
    -------
    Path
        The ELF file.
    """
    name = identifier(source.stem)
    arrays = [f"#define IMAGES {len(images)}", f"static const uint8_t images[] = {{\n{numbers_text(images)}}};"]
    calls = []
    for number, picture in enumerate(pictures):
        height, width = picture.shape
        arrays.append(f"static const uint8_t picture_{number}[] = {{\n{numbers_text(picture)}}};")
        calls.append(f"  {name}_prepare(picture_{number}, {width}, {height}, {width}, prepared);")
        calls.append('  write_bytes("prepared ", prepared, (int32_t)sizeof prepared);')
    (folder / "images.h").write_text("\n".join(arrays) + "\n")
    prepare = "\n".join([*calls, "  write_stack();"])
    words = {"@STEM@": source.stem, "@NAME@": name, "@UPPER@": name.upper(), "@PREPARE@": prepare}
    places = {"FLASH_START": board.flash[0], "FLASH_SIZE": board.flash[1]}
    places |= {"RAM_START": board.ram[0], "RAM_SIZE": board.ram[1]}
    for file, changes in (("firmware.c", words), ("memory.ld", {key: hex(place) for key, place in places.items()})):
        text = (HERE / file).read_text("utf-8")
        for old, new in changes.items():
            text = text.replace(old, new)
        (folder / file).write_text(text, "utf-8")
    program = folder / "firmware.elf"
    compiler = board.processor.compiler()
    if not compiler:
        raise ToolError(
            "No compiler for this processor is installed. Install ziglang with pip, or gcc-arm-none-eabi from Debian "
            "for Cortex-M."
        )
    sources = (HERE / "startup.c", folder / "firmware.c", source)
    link = ("-Wl,--gc-sections", "-T", folder / "memory.ld", "-I", source.parent, "-I", folder)
    done = subprocess.run(
        list(map(str, [*compiler, *SIZE_FLAGS, *link, *sources, "-o", program])),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ToolError(f"The program for {' '.join(board.machine)} cannot be built:\n{done.stderr}")
    return program


def run_firmware(program: Path, board: Board, scores: np.dtype[Any]) -> Printed:
    """Run a program of `build_firmware` in QEMU; return what it prints.

    Raises
    ------
    ToolError
        If QEMU is missing, or the program fails.
    """
    if shutil.which(board.emulator) is None:
        raise ToolError(f"{board.emulator} is not installed. Install Debian's package {board.package}.")
    words = [board.emulator, *board.machine, "-nographic", "-semihosting", "-kernel", str(program)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise ToolError(f"The self-test failed on {' '.join(board.machine)} with exit code {done.returncode}.")
    # Other lines are skipped, because QEMU prints its own warnings to the same stream.
    found: dict[str, list[bytes]] = {"class": [], "scores": [], "stack": [], "prepared": []}
    for title, numbers in PRINTED.findall(done.stdout + done.stderr):
        found[title].append(bytes.fromhex(numbers))
    return Printed(
        [line[0] for line in found["class"]],
        np.array([np.frombuffer(line, scores) for line in found["scores"]]),
        [np.frombuffer(line, np.uint8) for line in found["prepared"]],
        [int.from_bytes(line, "little") for line in found["stack"]],
    )
