"""Export a model for several engines, and measure the processor time that each takes for one image, in turns."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_exporters import ExportSession, ExportSpec
from mnist_exporters.formats.c.compiler import Compiler, find_compiler
from mnist_exporters.formats.c_pair import identifier

__all__ = ["Contestant", "Images", "called", "compiled", "exported", "in_turns", "printed"]

Images = npt.NDArray[np.uint8]
Contestant = Callable[[], float]
"""One engine in a comparison: a function that classifies images and returns the seconds per image."""


def exported(session: ExportSession, format: str, folder: str) -> Path:
    """Export the model as int8 and return the main file."""
    path = session.export(ExportSpec(format, "int8"), folder).path
    assert path is not None
    return path


def called(function: Callable[[npt.NDArray[Any]], object], images: npt.NDArray[Any]) -> Contestant:
    """Return a contestant that calls `function` with one image at a time."""

    def run() -> float:
        started = time.process_time()
        for image in images:
            function(image[None])
        return (time.process_time() - started) / len(images)

    return run


def printed(words: Sequence[str | Path], images: Images) -> Contestant:
    """Return a contestant that runs a program, which reads images from stdin and prints the seconds per image."""
    return lambda: float(subprocess.run(words, input=images.tobytes(), capture_output=True, check=True).stdout)


def compiled(source: Path, images: Images, flags: tuple[str, ...], folder: Path) -> Contestant:
    """Return a contestant that runs a C export, compiled with `flags`."""
    name = identifier(source.stem)
    text = Path(__file__).with_name("c_program.c").read_text("utf-8")
    for old, new in {"@STEM@": source.stem, "@NAME@": name, "@UPPER@": name.upper()}.items():
        text = text.replace(old, new)
    main_file, program = folder / "main.c", folder / f"program{''.join(flags)}"
    main_file.write_text(text, "utf-8")
    Compiler(find_compiler().command).build((source, main_file), program, "-I", str(source.parent), *flags)
    return printed([program, "3"], images)


def in_turns(contestants: Mapping[str, Contestant], turns: int) -> dict[str, float]:
    """Return the median seconds of each contestant. They run alternately, so that other load affects all alike."""
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(turns + 1):
        for name, contestant in contestants.items():
            seconds = contestant()
            if turn > 0:  # turn 0 is a warm-up
                found[name].append(seconds)
    return {name: statistics.median(each) for name, each in found.items()}
