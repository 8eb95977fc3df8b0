"""Measure models and exported files on whole sets of other people's digits, and on the weakest digit of each.

`mnist-evaluate --data` divides a file without test images in two; this takes all of it, since no model has seen it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from mnist_tools.studies.pen import Digits, others
from mnist_trainer import load_data
from mnist_trainer.evaluation.predictor import Predictor, load_predictor

__all__ = ["accuracies", "main"]


def accuracies(predictor: Predictor, digits: Digits) -> tuple[float, int, float]:
    """Return the per cent of right answers, the digit with the fewest of them, and its per cent."""
    images, labels = digits
    is_right = np.concatenate(
        [predictor(images[start : start + 1000]).argmax(axis=1) for start in range(0, len(images), 1000)]
    ) == np.asarray(labels)
    each = {digit: 100 * float(is_right[labels == digit].mean()) for digit in sorted(set(labels.tolist()))}
    weakest = min(each, key=lambda digit: each[digit])
    return 100 * float(is_right.mean()), weakest, each[weakest]


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table in Markdown, a row for each model, and their mean."""
    parser = argparse.ArgumentParser(prog="scripts/tool studies handwriting", description=__doc__)
    parser.add_argument("models", nargs="+", metavar="MODEL", help="name of a ready model or path of a file")
    parser.add_argument("--others", type=Path, nargs="+", default=[], metavar="FILE.npz", help="`images` and `labels`")
    arguments = parser.parse_args(argv)
    sets = others(arguments.others)
    probe = load_data("mnist").train
    print(f"| model | {' | '.join(sets)} |\n|---|{'--:|' * len(sets)}", flush=True)
    totals = []
    for model in arguments.models:
        predictor = load_predictor(model, probe)
        row = [accuracies(predictor, digits) for digits in sets.values()]
        totals.append([total for total, _, _ in row])
        cells = (f"{total:.2f} ({digit}: {least:.1f})" for total, digit, least in row)
        print(f"| {Path(model).name} | {' | '.join(cells)} |", flush=True)
    if len(totals) > 1:
        print(f"| mean | {' | '.join(f'{value:.2f}' for value in np.mean(totals, axis=0))} |")
    return 0
