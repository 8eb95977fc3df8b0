"""Measure models and exported files on whole sets of other people's digits, and on the weakest digit of each.

`mnist-evaluate --data` divides a file without test images in two; this takes all of it, since no model has seen it.
Of a file that `mnist-export` made, the per cent of digits whose confidence reaches the file's threshold is printed too.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from mnist_runtime import Classifier
from mnist_tools.training.pen import Digits, others
from mnist_trainer import load_data
from mnist_trainer.evaluation.predictor import EXPORTED, Predictor, load_predictor

__all__ = ["Found", "main", "measured", "threshold_of"]


class Found(NamedTuple):
    """Results on one set, in per cent."""

    right: float
    weakest: int
    """Digit with the fewest right answers."""
    weakest_right: float
    answered: float


def measured(predictor: Predictor, digits: Digits, threshold: float) -> Found:
    """Classify a whole set; below `threshold`, a confidence is no answer."""
    images, labels = digits
    scores = np.concatenate([predictor(images[start : start + 1000]) for start in range(0, len(images), 1000)])
    is_right = scores.argmax(axis=1) == np.asarray(labels)
    each = {digit: 100 * float(is_right[labels == digit].mean()) for digit in sorted(set(labels.tolist()))}
    weakest = min(each, key=lambda digit: each[digit])
    answered = 100 * float((scores.max(axis=1) >= threshold).mean())
    return Found(100 * float(is_right.mean()), weakest, each[weakest], answered)


def threshold_of(model: str) -> float | None:
    """Return the threshold of a file of ``mnist-export``; None for any other model."""
    return Classifier.load(model).manifest.threshold if Path(model).suffix in EXPORTED else None


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table in Markdown, a row for each model, and their mean."""
    parser = argparse.ArgumentParser(prog="scripts/tool training handwriting", description=__doc__)
    parser.add_argument("models", nargs="+", metavar="MODEL", help="name of a ready model or path of a file")
    parser.add_argument("--others", type=Path, nargs="+", default=[], metavar="FILE.npz", help="`images` and `labels`")
    arguments = parser.parse_args(argv)
    sets = others(arguments.others)
    probe = load_data("mnist").train
    print(f"| model | {' | '.join(sets)} |\n|---|{'--:|' * len(sets)}", flush=True)
    totals = []
    for model in arguments.models:
        predictor, threshold = load_predictor(model, probe), threshold_of(model)
        row = [measured(predictor, digits, threshold or 0.0) for digits in sets.values()]
        totals.append([found.right for found in row])
        cells = [
            f"{found.right:.2f} ({found.weakest}: {found.weakest_right:.1f}"
            + (")" if threshold is None else f"; answered {found.answered:.2f})")
            for found in row
        ]
        print(f"| {Path(model).name} | {' | '.join(cells)} |", flush=True)
    if len(totals) > 1:
        print(f"| mean | {' | '.join(f'{value:.2f}' for value in np.mean(totals, axis=0))} |")
    return 0
