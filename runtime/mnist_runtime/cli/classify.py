"""``mnist-runtime classify``: the digit of each picture."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from mnist_runtime.cli.load import load_classifier
from mnist_runtime.cli.options import doubtful_pictures, pixels_of
from mnist_runtime.cli.output import classifier_facts, in_words
from mnist_runtime.errors import ToolkitError
from mnist_runtime.system.command import report_error

if TYPE_CHECKING:
    from mnist_runtime.prediction import Prediction

__all__ = ["classify_command"]


def classify_command(arguments: argparse.Namespace) -> int:
    """Classify every file. Report bad files, and return the exit code of the first one."""
    classifier = load_classifier(arguments, "images")
    doubtful = doubtful_pictures(arguments)
    results: list[dict[str, Any]] = []
    code = 0
    for file in arguments.files:
        try:
            pixels = pixels_of(file)
            found = classifier.classify(pixels)
            if doubtful is not None:
                doubtful.keep(pixels, found)
        except ToolkitError as error:
            failure = report_error(error)
            code = code or failure
            continue
        results.append({"file": file, **_as_dict(found, arguments.top_k)})
        if not arguments.json:
            print(f"{file}: {in_words(found, arguments.top_k, file)}")
    if arguments.json:
        json.dump({**classifier_facts(classifier), "results": results}, sys.stdout, indent=2)
        print()
    return code


def _as_dict(found: Prediction, top: int) -> dict[str, Any]:
    ranking = [{"digit": digit, "score": score} for digit, score in found.ranking[:top]]
    return {
        "digit": found.digit,
        "confidence": found.confidence,
        "top": ranking,
        "reason": found.reason,
        "marks": found.marks,
    }
