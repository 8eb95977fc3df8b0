"""Measure C exports against TensorFlow Lite Micro and LiteRT: processor time of one image, on one thread."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mnist_exporters import open_session
from mnist_exporters.formats.c.compiler import find_compiler
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.tflm.interpreter import MicroInterpreter
from mnist_runtime.system.atomic import atomic_write
from mnist_tools.bench.bare_interpreter import load
from mnist_tools.bench.engines import called, compiled, exported, in_turns
from mnist_tools.bench.runtime import machine
from mnist_tools.checkout import ROOT
from mnist_trainer import load_data

__all__ = ["Times", "main", "measure", "page"]

PAGE = ROOT / "docs" / "results" / "c-speed.md"
MODELS = ("cnn", "tiny", "mlp")
IMAGES, TURNS = 20, 15
TFLM = "TFLM, reference kernels"


class Times(NamedTuple):
    """Median seconds of one image of a model, by engine."""

    model: str
    seconds: dict[str, float]

    def ratio(self, engine: str) -> float:
        """Return the time relative to TensorFlow Lite Micro's."""
        return self.seconds[engine] / self.seconds[TFLM]


def measure(model: str, data: str = "mnist") -> Times:
    """Export a model as int8 for each engine, and measure the engines alternately."""
    images = load_data(data).test.images[:IMAGES]
    session = open_session(model, data)
    with tempfile.TemporaryDirectory() as folder:
        source, file, header = (exported(session, format, folder) for format in ("c", "tflite", "tflm"))
        array = load_plugin("tflm").open(header)
        micro = MicroInterpreter(array.content, array.manifest.requires["arena_bytes"])
        signed = (images[..., None] ^ 0x80).view(np.int8)
        contestants = {
            "C, -O3": compiled(source, images, ("-O3",), Path(folder)),
            "C, -O3 -march=native": compiled(source, images, ("-O3", "-march=native"), Path(folder)),
            TFLM: called(micro.run, signed),
            "LiteRT": called(load("litert", str(file)), images[..., None]),
        }
        return Times(model, in_turns(contestants, TURNS))


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
