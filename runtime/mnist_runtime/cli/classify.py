"""``mnist-runtime classify``: the digit or other class of each picture."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from typing import Any

from mnist_runtime.cli.options import doubtful_pictures, exit_code_of, failed, load_classifier, use_picture
from mnist_runtime.errors import ToolkitError, UsageError, printable
from mnist_runtime.reading.answers import classifier_facts, in_words, prediction_facts
from mnist_runtime.system.terminal import Progress

__all__ = ["classify_command"]

TYPICAL = 0.02
"""Seconds per picture on a usual machine."""


def classify_command(arguments: argparse.Namespace) -> int:
    """Classify every file. Report bad files, and return the exit code of the first one."""
    classifier = load_classifier(arguments, "images")
    doubtful = doubtful_pictures(arguments)
    task, top = classifier.task, arguments.top_k
    if top > len(task.labels):
        raise UsageError(
            f"--top-k is {top}, but {classifier.manifest.name} has {len(task.labels)} labels. Give a smaller number."
        )
    results: list[dict[str, Any]] = []
    code = 0
    with Progress(TYPICAL * len(arguments.files)) as progress:
        for number, file in enumerate(arguments.files, start=1):
            try:
                with progress.step(f"classifying {number} of {len(arguments.files)}", TYPICAL):
                    pixels, found = use_picture(file, classifier.classify)
            except ToolkitError as error:
                failure = failed(file, error, results)
                code = code or failure
                continue
            results.append({"file": file, **prediction_facts(found, top, task)})
            if not arguments.json:
                print(printable(f"{file}: {in_words(found, top, task, file)}"))
            if doubtful is not None:
                failure = exit_code_of(partial(doubtful.keep, pixels, found))
                code = code or failure
    if arguments.json:
        json.dump({**classifier_facts(classifier), "results": results}, sys.stdout, indent=2)
        print()
    return code
