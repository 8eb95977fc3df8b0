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
from mnist_trainer import Dataset, load_data
from mnist_trainer.evaluation.mnist_c import CORRUPTIONS
from mnist_trainer.evaluation.predictor import EXPORTED, Predictor, load_predictor

__all__ = ["Found", "corrupted", "main", "mean_of", "measured", "threshold_of"]


class Found(NamedTuple):
    """Results on one set, in per cent."""

    right: float
    of_each: dict[int, float]
    """Digit -> accuracy in per cent."""
    answered: float

    def cell(self, with_answered: bool = True) -> str:
        """Return the per cent of right answers, the weakest digit and its per cent, and how many were answered."""
        weakest = min(self.of_each, key=lambda digit: self.of_each[digit])
        answered = f"; answered {self.answered:.2f}" if with_answered else ""
        return f"{self.right:.2f} ({weakest}: {self.of_each[weakest]:.1f}{answered})"


def measured(predictor: Predictor, digits: Digits, threshold: float) -> Found:
    """Classify a whole set. A confidence below `threshold` counts as no answer."""
    images, labels = digits
    scores = np.concatenate([predictor(images[start : start + 1000]) for start in range(0, len(images), 1000)])
    is_right = scores.argmax(axis=1) == np.asarray(labels)
    of_each = {digit: 100 * float(is_right[labels == digit].mean()) for digit in sorted(set(labels.tolist()))}
    return Found(100 * float(is_right.mean()), of_each, 100 * float((scores.max(axis=1) >= threshold).mean()))


def mean_of(rows: Sequence[Found]) -> Found:
    """Return the mean of several models on one set, also of each digit."""
    of_each = {digit: float(np.mean([row.of_each[digit] for row in rows])) for digit in rows[0].of_each}
    return Found(float(np.mean([row.right for row in rows])), of_each, float(np.mean([row.answered for row in rows])))


def corrupted(data: Dataset) -> Digits:
    """Return all images under every corruption of `mnist-evaluate --robustness`."""
    images = np.concatenate([corruption(data.images, 0) for corruption in CORRUPTIONS.values()])
    return images, np.tile(data.labels, len(CORRUPTIONS))


def threshold_of(model: str) -> float | None:
    """Return the threshold of a file of ``mnist-export``; None for any other model."""
    return Classifier.load(model).manifest.threshold if Path(model).suffix in EXPORTED else None


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table in Markdown, a row for each model, and their mean."""
    parser = argparse.ArgumentParser(prog="scripts/tool training handwriting", description=__doc__)
    parser.add_argument("models", nargs="+", metavar="MODEL", help="name of a ready model or path of a file")
    parser.add_argument("--corrupted", action="store_true", help="also MNIST's test images, clean and corrupted")
    parser.add_argument("--others", type=Path, nargs="+", default=[], metavar="FILE.npz", help="`images` and `labels`")
    arguments = parser.parse_args(argv)
    sets = others(arguments.others)
    mnist = load_data("mnist")
    if arguments.corrupted:
        sets |= {"MNIST, test": (mnist.test.images, mnist.test.labels), "the same, corrupted": corrupted(mnist.test)}
    print(f"| model | {' | '.join(sets)} |\n|---|{'--:|' * len(sets)}", flush=True)
    rows: list[list[Found]] = []
    thresholds = [threshold_of(model) for model in arguments.models]
    for model, threshold in zip(arguments.models, thresholds, strict=True):
        predictor = load_predictor(model, mnist.train)
        rows.append([measured(predictor, digits, threshold or 0.0) for digits in sets.values()])
        cells = " | ".join(found.cell(threshold is not None) for found in rows[-1])
        print(f"| {Path(model).name} | {cells} |", flush=True)
    if len(rows) > 1:
        cells = " | ".join(mean_of(column).cell(None not in thresholds) for column in zip(*rows, strict=True))
        print(f"| mean | {cells} |")
    return 0
