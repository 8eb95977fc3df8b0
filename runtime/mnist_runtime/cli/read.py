"""``mnist-runtime read``: the digits of each picture in reading order, and a copy with the digits marked."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.task import Task
from mnist_runtime.cli.options import doubtful_pictures, exit_code_of, failed, load_classifier, use_picture
from mnist_runtime.errors import ToolkitError, UsageError, printable
from mnist_runtime.reading.annotate import annotate
from mnist_runtime.reading.answers import classifier_facts, in_words, no_answer, page_facts
from mnist_runtime.reading.page import Reading, in_rows, read
from mnist_runtime.system.atomic import atomic_write
from mnist_runtime.system.command import echo
from mnist_runtime.system.terminal import Progress

__all__ = ["check_annotate", "read_command", "write_annotated"]

TYPICAL = 0.3
"""Seconds per picture on a usual machine."""


def read_command(arguments: argparse.Namespace) -> int:
    """Read every file. Report bad files, and return the exit code of the first one."""
    if arguments.annotate is not None:
        check_annotate(arguments.annotate, arguments.files)
    classifier = load_classifier(arguments, "images", finds=True)
    doubtful = doubtful_pictures(arguments)
    results: list[dict[str, Any]] = []
    code = 0
    with Progress(TYPICAL * len(arguments.files)) as progress:
        for number, file in enumerate(arguments.files, start=1):
            try:
                with progress.step(f"reading {number} of {len(arguments.files)}", TYPICAL):
                    pixels, symbols = use_picture(file, partial(read, classifier=classifier, everything=True))
                    found = in_rows(one for one in symbols if arguments.all or one.prediction.label is not None)
            except ToolkitError as error:
                failure = failed(file, error, results)
                code = code or failure
                continue
            results.append({"file": file, **page_facts(found, pixels, classifier.task)})
            if arguments.annotate is not None:  # before the answer, which `head` may cut off
                failure = exit_code_of(partial(write_annotated, arguments.annotate, pixels, found))
                code = code or failure
            if not arguments.json:
                _print(printable(file), found, classifier.task)
            if left_out := len(symbols) - len(found):
                plural = "symbols have" if left_out > 1 else "symbol has"
                it = "them" if left_out > 1 else "it"
                echo(f"{printable(file)}: {left_out} {plural} no answer. To print {it} too: --all")
            if doubtful is not None:
                failure = exit_code_of(partial(doubtful.keep_readings, pixels, symbols))
                code = code or failure
    if arguments.json:
        json.dump({**classifier_facts(classifier), "results": results}, sys.stdout, indent=2)
        print()
    return code


def check_annotate(annotated: Path, files: Sequence[str]) -> None:
    """Raise a `UsageError` if the copy of ``--annotate`` cannot be written, or would replace the picture."""
    if len(files) != 1:
        raise UsageError(f"--annotate takes one FILE, but {len(files)} are given. Run it once for each.")
    if annotated.suffix.lower() != ".png":
        raise UsageError(f"The --annotate file {annotated} must end in .png.")
    if annotated.is_dir() or not annotated.absolute().parent.is_dir():
        raise UsageError(f"--annotate {annotated} is a folder, or its folder does not exist. Choose another file.")
    if annotated.exists() and Path(files[0]).exists() and annotated.samefile(files[0]):
        raise UsageError(f"--annotate {annotated} would overwrite the picture. Choose another file.")


def write_annotated(path: Path, pixels: npt.NDArray[np.uint8], found: Sequence[Reading]) -> None:
    """Write a copy of a picture with its digits marked."""
    with atomic_write(path) as copy:
        annotate(pixels, found).save(copy)


def _print(file: str, readings: Sequence[Reading], task: Task) -> None:
    if not readings:
        print(f"{file}: {no_answer(task)}")
    for found in readings:
        left, top, right, bottom = found.box
        print(f"{file}: {in_words(found.prediction, 1, task)}, row {found.row}, box {left} {top} {right} {bottom}")
