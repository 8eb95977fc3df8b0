"""Measure C exports against TensorFlow Lite Micro and LiteRT: processor time of one image, on one thread."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mnist_exporters import ExportSession, ExportSpec, open_session
from mnist_exporters.formats.c.compiler import Compiler, find_compiler
from mnist_exporters.formats.c_pair import identifier
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.tflm.interpreter import MicroInterpreter
from mnist_runtime.system.atomic import atomic_write
from mnist_tools.bench.bare_interpreter import load
from mnist_tools.bench.runtime import machine
from mnist_tools.checkout import ROOT
from mnist_trainer import load_data

__all__ = ["Times", "main", "measure", "page"]

PAGE = ROOT / "docs" / "results" / "c-speed.md"
MODELS = ("cnn", "tiny", "mlp")
IMAGES, TURNS = 20, 15
TFLM = "TFLM, reference kernels"

Images = npt.NDArray[np.uint8]
Contestant = Callable[[], float]
"""Returns the seconds of one image."""


class Times(NamedTuple):
    """Median seconds of one image of a model, by engine."""

    model: str
    seconds: dict[str, float]

    def ratio(self, engine: str) -> float:
        """Return the time relative to TensorFlow Lite Micro's."""
        return self.seconds[engine] / self.seconds[TFLM]


def compiled(source: Path, images: Images, flags: tuple[str, ...], folder: Path) -> Contestant:
    """Return the contestant of a C export, compiled with `flags`."""
    name = identifier(source.stem)
    text = Path(__file__).with_name("c_program.c").read_text("utf-8")
    for old, new in {"@STEM@": source.stem, "@NAME@": name, "@UPPER@": name.upper()}.items():
        text = text.replace(old, new)
    main_file, program = folder / "main.c", folder / f"program{''.join(flags)}"
    main_file.write_text(text, "utf-8")
    Compiler(find_compiler().command).build((source, main_file), program, "-I", str(source.parent), *flags)

    def run() -> float:
        done = subprocess.run([program, "3"], input=images.tobytes(), capture_output=True, check=True)
        return float(done.stdout)

    return run


def called(function: Callable[[npt.NDArray[Any]], object], images: npt.NDArray[Any]) -> Contestant:
    """Return the contestant of a function of one image."""

    def run() -> float:
        started = time.process_time()
        for image in images:
            function(image[None])
        return (time.process_time() - started) / len(images)

    return run


def _exported(session: ExportSession, format: str, folder: str) -> Path:
    path = session.export(ExportSpec(format, "int8"), folder).path
    assert path is not None
    return path


def measure(model: str, data: str = "mnist") -> Times:
    """Export a model as int8 for each engine; measure them alternately, so that other load affects all alike."""
    images = load_data(data).test.images[:IMAGES]
    session = open_session(model, data)
    with tempfile.TemporaryDirectory() as folder:
        source, file, header = (_exported(session, format, folder) for format in ("c", "tflite", "tflm"))
        array = load_plugin("tflm").open(header)
        micro = MicroInterpreter(array.content, array.manifest.requires["arena_bytes"])
        signed = (images[..., None] ^ 0x80).view(np.int8)
        contestants = {
            "C, -O3": compiled(source, images, ("-O3",), Path(folder)),
            "C, -O3 -march=native": compiled(source, images, ("-O3", "-march=native"), Path(folder)),
            TFLM: called(micro.run, signed),
            "LiteRT": called(load("litert", str(file)), images[..., None]),
        }
        found: dict[str, list[float]] = {name: [] for name in contestants}
        for turn in range(TURNS + 1):
            for name, contestant in contestants.items():
                seconds = contestant()
                if turn > 0:  # the first is a warm-up
                    found[name].append(seconds)
    return Times(model, {name: statistics.median(each) for name, each in found.items()})


def table(rows: Sequence[Times]) -> str:
    """Return the figures as a Markdown table: µs, and the ratio to TensorFlow Lite Micro."""
    names = list(rows[0].seconds)
    lines = [f"| model | {' | '.join(names)} |", "|---|" + "--:|" * len(names)]
    for row in rows:
        cells = [f"{row.seconds[name] * 1e6:.0f} µs, {row.ratio(name):.2f}" for name in names]
        lines.append(f"| `{row.model}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def page(rows: Sequence[Times]) -> str:
    """Return the text of the page."""
    return f"""\
# Speed of C code

Written by `scripts/tool bench c --write`; do not edit. Machine: {machine()}; {find_compiler().command[0]}. Each cell is
the processor time of one MNIST image in int8 and its ratio to TensorFlow Lite Micro (TFLM). TFLM is the package
tflite-micro, whose kernels are the reference kernels, as its makers compiled it; LiteRT uses its default kernels
(XNNPACK). Both are called from Python, which adds about two microseconds. The engines take turns; figures are medians.

{table(rows)}
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure each model and print the table."""
    parser = argparse.ArgumentParser(prog="scripts/tool bench c", description=__doc__)
    parser.add_argument("models", nargs="*", default=list(MODELS), metavar="MODEL", help=f"default: {' '.join(MODELS)}")
    parser.add_argument("--write", action="store_true", help="write docs/results/c-speed.md")
    options = parser.parse_args(argv)
    rows = []
    for model in options.models:
        print(f"{model} ...", file=sys.stderr, flush=True)
        rows.append(measure(model))
    print(table(rows))
    if options.write:
        with atomic_write(PAGE) as staged:
            staged.write_text(page(rows), "utf-8")
    return 0
