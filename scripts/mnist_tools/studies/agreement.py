"""Compare exports that contain code to run them with the NumPy engine, on MNIST and on random images."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mnist_exporters import FORMATS, ExportSpec, open_session
from mnist_exporters.formats.plugin import load_plugin
from mnist_runtime import Classifier
from mnist_runtime.system.atomic import atomic_write
from mnist_runtime.system.command import echo
from mnist_tools.checkout import ROOT, ToolError
from mnist_tools.studies.interpreter_agreement import image_sets
from mnist_trainer.model_io.find import READY_MODELS

__all__ = ["Agreement", "agreement", "main", "page"]

PAGE = ROOT / "docs" / "results" / "agreement.md"
MODELS = READY_MODELS
ENGINES = tuple(name for name, row in FORMATS.items() if row.has_engine)
"""Formats whose files contain the code that runs them."""

Images = npt.NDArray[np.uint8]


class Agreement(NamedTuple):
    """One row of the table.

    Parameters
    ----------
    model, format, images : str
        Ready model, format, and name of the images.
    equal, total : int
        Images with the same integers in all scores, and all images.
    seconds : float
        Time of the format's engine for all images.
    """

    model: str
    format: str
    images: str
    equal: int
    total: int
    seconds: float


def agreement(model: str, formats: Sequence[str], sets: dict[str, Images], data: str = "mnist") -> list[Agreement]:
    """Export a model as int8 in each format, and compare it with the ``.tflite`` file in the backend ``numpy``.

    Parameters
    ----------
    model : str
        A ready model, or the path of another.
    formats : sequence of str
        Names of `ENGINES`.
    sets : dict of str to ndarray
        Name -> images ``(n, 28, 28)``.
    data : str
        Data set of the exports.
    """
    rows = []
    session = open_session(model, data)
    with tempfile.TemporaryDirectory() as folder:
        path = session.export(ExportSpec("tflite", "int8"), folder).path
        devices = {}
        for format in formats:
            made = session.export(ExportSpec(format, "int8"), folder).path
            if made is not None:
                devices[format] = load_plugin(format).load(made)
        reference = Classifier.load(path, backend="numpy")
        for title, images in sets.items():
            expected = reference.scores(images)
            for format, device in devices.items():
                started = time.perf_counter()
                scores = device.scores(images)
                seconds = time.perf_counter() - started
                equal = int(np.all(scores == expected, axis=1).sum())
                rows.append(Agreement(Path(model).stem, format, title, equal, len(images), seconds))
    return rows


def page(rows: Sequence[Agreement]) -> str:
    """Return the page as Markdown."""
    lines = [
        f"| `{row.model}` | {row.format} | {row.images} | {row.equal:,} of {row.total:,} | "
        f"{'' if row.equal == row.total else '✗'} |"
        for row in rows
    ]
    return """\
# Agreement of the engines

Written by `scripts/tool studies agreement --write`; do not edit. Each model is exported as int8 in the formats
whose files contain their own engine. *equal* counts the images of which all scores are the integers that the runtime's
NumPy engine computes from the `.tflite` file, which are those of TFLite's reference kernels. Half of the random images
are mostly black, as digits are.

| model | format | images | equal | |
|---|---|---|--:|---|
""" + "".join(f"{line}\n" for line in lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Print one line for each model, format and set of images.

    Raises
    ------
    ToolError
        If a score differs.
    """
    parser = argparse.ArgumentParser(prog="scripts/tool studies agreement", description=__doc__)
    parser.add_argument(
        "models", nargs="*", default=list(MODELS), metavar="NAME|PATH", help="default: the ready models"
    )
    parser.add_argument("--format", action="append", choices=ENGINES, help="may be repeated (default: all)")
    parser.add_argument("--write", action="store_true", help="write docs/results/agreement.md")
    options = parser.parse_args(argv)
    sets, rows = image_sets(), []
    for model in options.models:
        for row in agreement(model, options.format or ENGINES, sets):
            rows.append(row)
            time_of_one = row.seconds / row.total * 1e6
            echo(f"{row.model:10} {row.format:5} {row.images:12} {row.equal:,} of {row.total:,}, {time_of_one:.0f} µs")
        if options.write:  # after each model: all take long
            with atomic_write(PAGE) as staged:
                staged.write_text(page(rows), "utf-8")
    if wrong := [f"{row.model} {row.format}" for row in rows if row.equal != row.total]:
        raise ToolError(f"Scores differ in {', '.join(dict.fromkeys(wrong))}.")
    return 0
