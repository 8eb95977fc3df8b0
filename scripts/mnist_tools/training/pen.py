"""Compare short trainings with and without pen digits, on digits that no training has seen.

Trains on a part of MNIST's training images and tests on another part (out of fold), on scikit-learn's digits, on pen
digits of held-out shapes and, on request, on corrupted images and letters. The test images of MNIST are not used. A row
is the mean over the seeds.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from mnist_trainer import ARCHITECTURES, Dataset, PenDigits, Recipe, Splits, architecture, load_data, train
from mnist_trainer.augmentation.pen.draw import draw_digits
from mnist_trainer.data.dataset import Labels
from mnist_trainer.evaluation.mnist_c import CORRUPTIONS
from mnist_trainer.evaluation.out_of_distribution import NON_DIGITS
from mnist_trainer.recipes.augmentations import MORE_CORRUPTIONS, CorruptionAugmentation

__all__ = ["Digits", "main", "others", "out_of_fold", "right_answers"]

Digits = tuple[npt.NDArray[np.uint8], Labels]

OUT_OF_FOLD, CORRUPTED, LETTERS = 20_000, 1_500, 1_000


def others(paths: Sequence[Path]) -> dict[str, Digits]:
    """Return the sets of other people's digits: scikit-learn's, held-out shapes of the pen, and files."""
    both = load_data("digits")
    found: dict[str, Digits] = {
        "scikit-learn": (
            np.concatenate([part.images for part in both]),
            np.concatenate([part.labels for part in both]).astype(np.uint8),
        ),
        "held-out pen": draw_digits(2_000, seed=99, held_out=True),
    }
    for path in paths:
        with np.load(path) as arrays:
            found[path.stem] = (arrays["images"], arrays["labels"])
    return found


def out_of_fold(images: int | None = None) -> tuple[Splits, Dataset]:
    """Split MNIST's training images: return those to train on, at most `images`, and `OUT_OF_FOLD` for the measurement.

    The test part of the returned splits has a hundred of the latter. MNIST's own test images are not used.
    """
    whole = load_data("mnist").train
    order = np.random.default_rng(7).permutation(len(whole))
    rest = whole.take(order[-OUT_OF_FOLD:], "test")
    return Splits(whole.take(order[: images or -OUT_OF_FOLD], "train"), rest.take(np.arange(100), "test")), rest


def short_recipe(name: str, epochs: int, pen: float, signs: float, *, more: bool) -> Recipe:
    """Return the recipe of an architecture without teacher, for few epochs, with this fraction of pen digits."""
    own = architecture(name).recipe
    changed = replace(
        own,
        epochs=epochs,
        distillation=None,
        cached_epochs=epochs if own.cached_epochs else None,
        final_epochs=max(1, round(0.6 * epochs)) if own.final_epochs else None,
        ema_steps=100 if own.ema_steps else None,
        validation_split=0.02,
        pen=PenDigits(pen, signs=signs) if pen or signs else None,
    )
    return replace(changed, corruptions=CorruptionAugmentation(0.37, MORE_CORRUPTIONS)) if more else changed


def measured(
    name: str, recipe: Recipe, seed: int, images: int, sets: dict[str, Digits], *, deep: bool
) -> dict[str, float]:
    """Train once; return per cent of right answers on each set, and on request on corrupted images and letters."""
    splits, rest = out_of_fold(images)
    model = train(architecture(name), splits, recipe=recipe, seed=seed).model
    return right_answers(model, rest, sets, deep=deep)


def right_answers(model: keras.Model, rest: Dataset, sets: dict[str, Digits], *, deep: bool) -> dict[str, float]:
    """Return per cent of right answers on `rest` and each set, and on request on corrupted images and letters."""

    def scores(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        scaled = pixels.reshape(-1, *model.input_shape[1:]).astype(np.float32) / 255
        found: npt.NDArray[np.float32] = model.predict(scaled, batch_size=500, verbose=0)
        return found

    def right(pixels: npt.NDArray[np.uint8], labels: Labels) -> float:
        return 100 * float((scores(pixels).argmax(axis=1) == labels).mean())

    row = {"out of fold": right(rest.images, rest.labels)}
    row |= {title: right(*digits) for title, digits in sets.items()}
    if deep:
        subset: Dataset = rest.take(np.arange(CORRUPTED), "test")
        accuracies = {
            title: right(corrupted(subset.images, 0), subset.labels) for title, corrupted in CORRUPTIONS.items()
        }
        row |= {"corrupted": float(np.mean(list(accuracies.values()))), "stripe": accuracies["stripe"]}
        sure = scores(subset.images).max(axis=1), scores(NON_DIGITS["letters"](LETTERS, 0)).max(axis=1)
        row["AUROC letters"] = 100 * float(roc_auc_score(np.repeat([1, 0], list(map(len, sure))), np.concatenate(sure)))
    return row


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table in Markdown, a row for each recipe."""
    parser = argparse.ArgumentParser(prog="scripts/tool training pen", description=__doc__)
    parser.add_argument("architecture", nargs="?", default="tiny", choices=ARCHITECTURES)
    parser.add_argument("--pen", type=float, nargs="+", default=[0.0, 0.1], metavar="FRACTION", help="default: 0 0.1")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], metavar="N", help="default: 0")
    parser.add_argument("--epochs", type=int, default=8, help="default: 8")
    parser.add_argument("--images", type=int, default=12_000, help="training images (default: 12000)")
    parser.add_argument("--others", type=Path, nargs="+", default=[], metavar="FILE.npz", help="`images` and `labels`")
    parser.add_argument("--world", action="store_true", help="besides, signs and more corruptions")
    parser.add_argument("--deep", action="store_true", help="corrupted images and letters too (extra robustness)")
    arguments = parser.parse_args(argv)
    sets = others(arguments.others)
    world = architecture("cnn").recipe.pen
    begun = False
    for pen in arguments.pen:
        is_world = bool(arguments.world and pen and world)
        signs = world.signs if is_world and world else 0.0
        recipe = short_recipe(arguments.architecture, arguments.epochs, pen, signs, more=is_world)
        rows = [
            measured(arguments.architecture, recipe, seed, arguments.images, sets, deep=arguments.deep)
            for seed in arguments.seeds
        ]
        if not begun:
            print(f"| {arguments.architecture}, pen digits | {' | '.join(rows[0])} |")
            print(f"|{'--:|' * (len(rows[0]) + 1)}", flush=True)
            begun = True
        means = [np.mean([row[title] for row in rows]) for title in rows[0]]
        print(f"| {pen:.0%} | {' | '.join(f'{mean:.2f}' for mean in means)} |", flush=True)
    return 0
