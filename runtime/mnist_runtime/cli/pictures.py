"""``mnist-runtime classify`` and ``read``: the answers to picture files."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.task import Task
from mnist_runtime.classifier import Classifier
from mnist_runtime.cli.options import doubtful_pictures, load_classifier, pixels_of
from mnist_runtime.errors import PictureError, ToolkitError, UsageError, printable
from mnist_runtime.reading.answers import classifier_facts, in_words, no_answer, page_facts, prediction_facts
from mnist_runtime.reading.page import Reading, in_rows, read
from mnist_runtime.system.atomic import atomic_write
from mnist_runtime.system.command import echo, report_error
from mnist_runtime.system.terminal import Progress

__all__ = ["check_annotate", "classify_command", "read_command", "write_annotated"]

T = TypeVar("T")
Pixels = npt.NDArray[np.uint8]
Answer = tuple[dict[str, Any], list[Callable[[], object]]]
"""JSON fields of a picture, and functions that print or store its answer."""

ONE, PAGE = 0.02, 0.3
"""Seconds on a usual machine for a picture of one digit and for a page."""


def classify_command(arguments: argparse.Namespace) -> int:
    """Classify every file. Report bad files, and return the exit code of the first one."""
    classifier = load_classifier(arguments, "images")
    doubtful = doubtful_pictures(arguments)
    task, top = classifier.task, arguments.top_k
    if top > len(task.labels):
        raise UsageError(
            f"--top-k is {top}, but {classifier.manifest.name} has {len(task.labels)} labels. Give a smaller number."
        )

    def answer(file: str) -> Answer:
        pixels, found = _use_picture(file, classifier.classify)
        steps: list[Callable[[], object]] = []
        if not arguments.json:
            steps.append(lambda: print(printable(f"{file}: {in_words(found, top, task, file)}")))
        if doubtful is not None:
            steps.append(partial(doubtful.keep, pixels, found))
        return prediction_facts(found, top, task), steps

    return _answer_each(arguments, classifier, answer, "classifying", ONE)


def read_command(arguments: argparse.Namespace) -> int:
    """Read every file. Report bad files, and return the exit code of the first one."""
    if arguments.annotate is not None:
        check_annotate(arguments.annotate, arguments.files)
    classifier = load_classifier(arguments, "images", finds=True)
    doubtful = doubtful_pictures(arguments)

    def answer(file: str) -> Answer:
        pixels, symbols = _use_picture(file, partial(read, classifier=classifier, everything=True))
        found = in_rows(one for one in symbols if arguments.all or one.prediction.label is not None)
        steps: list[Callable[[], object]] = []
        if arguments.annotate is not None:  # before the answer, which `head` may cut off
            steps.append(partial(write_annotated, arguments.annotate, pixels, found))
        if not arguments.json:
            steps.append(partial(_print, printable(file), found, classifier.task))
        if left_out := len(symbols) - len(found):
            symbols_have, them = ("symbols have", "them") if left_out > 1 else ("symbol has", "it")
            text = f"{printable(file)}: {left_out} {symbols_have} no answer. To print {them} too: --all"
            steps.append(partial(echo, text))
        if doubtful is not None:
            steps.append(partial(doubtful.keep_readings, pixels, symbols))
        return page_facts(found, pixels, classifier.task), steps

    return _answer_each(arguments, classifier, answer, "reading", PAGE)


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


def write_annotated(path: Path, pixels: Pixels, found: Sequence[Reading]) -> None:
    """Write a copy of a picture with its digits marked."""
    from mnist_runtime.reading.annotate import annotate  # few calls need it

    with atomic_write(path) as copy:
        annotate(pixels, found).save(copy)


def _answer_each(
    arguments: argparse.Namespace, classifier: Classifier, answer: Callable[[str], Answer], doing: str, typical: float
) -> int:
    """Answer every file, about `typical` seconds each, and return the exit code of the first error."""
    results: list[dict[str, Any]] = []
    code = 0
    with Progress(typical * len(arguments.files)) as progress:
        for number, file in enumerate(arguments.files, start=1):
            try:
                with progress.step(f"{doing} {number} of {len(arguments.files)}", typical):
                    facts, steps = answer(file)
            except ToolkitError as error:
                results.append({"file": file, "error": str(error)})
                failure = report_error(error)
                code = code or failure
                continue
            results.append({"file": file, **facts})
            for step in steps:
                try:
                    step()
                except ToolkitError as error:
                    failure = report_error(error)
                    code = code or failure
    if arguments.json:
        json.dump({**classifier_facts(classifier), "results": results}, sys.stdout, indent=2)
        print()
    return code


def _use_picture(file: str, use: Callable[[Pixels], T]) -> tuple[Pixels, T]:
    """Read the picture of an argument and use its pixels; every error names the file."""
    pixels = pixels_of(file)
    try:
        return pixels, use(pixels)
    except PictureError as error:
        error.args = (f"{file}: {error}",)
        raise


def _print(file: str, readings: Sequence[Reading], task: Task) -> None:
    if not readings:
        print(f"{file}: {no_answer(task)}")
    for found in readings:
        left, top, right, bottom = found.box
        print(f"{file}: {in_words(found.prediction, 1, task)}, row {found.row}, box {left} {top} {right} {bottom}")
