"""Show how a temperature changes the scores of Keras models: calibration against the detection of non-digits.

The logits are multiplied by each factor. *ECE* is the expected calibration error in per cent, on the validation images
of a model and on each domain of `mnist-evaluate --domains`. *AUROC* is the chance that a test image has a higher
confidence than a non-digit, with scores in steps of 1/256 as int8 files have them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from mnist_trainer import Dataset, find_model, load_data
from mnist_trainer.data.dataset import hold_out
from mnist_trainer.evaluation.evaluate import Evaluation
from mnist_trainer.evaluation.other_digits import other_digits
from mnist_trainer.evaluation.out_of_distribution import NON_DIGITS
from mnist_trainer.evaluation.predictor import load_predictor

__all__ = ["main", "scaled"]

FACTORS = (0.6, 0.8, 1.0, 1.15, 1.3, 1.5, 2.0)
OTHERS, EACH_NON_DIGIT = 1_500, 500

Scores = npt.NDArray[np.float64]


def scaled(scores: npt.NDArray[np.float32], factor: float) -> Scores:
    """Return the scores of logits that are multiplied by `factor`.

    Examples
    --------
    >>> scaled(np.array([[0.8, 0.2]], np.float32), 2.0).round(3).tolist()
    [[0.941, 0.059]]
    """
    powers = np.maximum(scores, 1e-30).astype(np.float64) ** factor
    found: Scores = powers / powers.sum(axis=1, keepdims=True)
    return found


def steps(scores: Scores) -> npt.NDArray[np.float64]:
    """Return the confidences as an 8-bit output has them."""
    confidence: npt.NDArray[np.float64] = np.minimum(np.rint(scores.max(axis=1) * 256), 255)
    return confidence


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table in Markdown for each model."""
    parser = argparse.ArgumentParser(prog="scripts/tool training calibration", description=__doc__)
    parser.add_argument("models", nargs="*", default=["cnn"], metavar="MODEL", help="default: cnn")
    arguments = parser.parse_args(argv)
    mnist = load_data("mnist")
    test = mnist.test
    others = other_digits("mnist", test.images, test.labels, OTHERS)
    for name in arguments.models:
        record, predict = find_model(name).record, load_predictor(name, test)
        held_out = hold_out(mnist.train, record["validation_images"], record["seed"], ("train", "validation")).test
        sets = {"validation": held_out, "test": test}
        sets |= {title: Dataset(title, "test", title, *digits) for title, digits in others.items()}
        scores = {title: predict(data.images) for title, data in sets.items()}
        non_digits = {title: predict(kind(EACH_NON_DIGIT, 0)) for title, kind in NON_DIGITS.items()}
        print(f"\n| {name}, factor | {' | '.join(f'ECE {each}' for each in sets)} |", end="")
        print(f" {' | '.join(f'AUROC {each}' for each in non_digits)} |")
        print(f"|{'--:|' * (1 + len(sets) + len(non_digits))}")
        for factor in FACTORS:
            found = {title: scaled(each, factor) for title, each in scores.items()}
            errors = [
                Evaluation(data, found[title].astype(np.float32)).calibration_error for title, data in sets.items()
            ]
            sure = steps(found["test"])
            cells = [f"{100 * error:.2f}" for error in errors]
            for each in non_digits.values():
                other = steps(scaled(each, factor))
                is_digit = np.repeat([1, 0], [len(sure), len(other)])
                cells.append(f"{roc_auc_score(is_digit, np.concatenate([sure, other])):.3f}")
            print(f"| {factor:g} | {' | '.join(cells)} |", flush=True)
    return 0
