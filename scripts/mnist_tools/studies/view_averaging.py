"""Compare short distillations with and without the teacher's answers averaged over views, on digits not trained on.

Trains on a part of MNIST's training images and tests on another part, on scikit-learn's digits, on pen digits of
held-out shapes and on given files. The teacher has seen all training images. The test images of MNIST are not used. A
row is the mean over the seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mnist_tools.studies.pen import measured, others
from mnist_trainer import ARCHITECTURES, PenDigits, Recipe, architecture

__all__ = ["main", "short_recipe"]


def short_recipe(name: str, epochs: int, views: int) -> Recipe:
    """Return the recipe of a distilled architecture for few epochs, with this number of views."""
    own = architecture(name).recipe
    assert own.distillation
    return replace(
        own,
        epochs=epochs,
        cached_epochs=max(1, epochs // 3),
        final_epochs=max(1, round(0.6 * epochs)) if own.final_epochs else None,
        ema_steps=100,
        validation_split=0.02,
        pen=PenDigits(0.1),
        distillation=replace(own.distillation, views=views),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table in Markdown, a row for each number of views."""
    parser = argparse.ArgumentParser(prog="scripts/tool studies view-averaging", description=__doc__)
    distilled = [name for name, row in ARCHITECTURES.items() if row.recipe.distillation]
    parser.add_argument("architecture", nargs="?", default="tiny", choices=distilled)
    parser.add_argument("--views", type=int, nargs="+", default=[0, 8], metavar="N", help="default: 0 8")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], metavar="N", help="default: 0")
    parser.add_argument("--epochs", type=int, default=12, help="default: 12")
    parser.add_argument("--images", type=int, default=12_000, help="training images (default: 12000)")
    parser.add_argument("--others", type=Path, nargs="+", default=[], metavar="FILE.npz", help="`images` and `labels`")
    arguments = parser.parse_args(argv)
    sets = others(arguments.others)
    for number, views in enumerate(arguments.views):
        recipe = short_recipe(arguments.architecture, arguments.epochs, views)
        rows = [
            measured(arguments.architecture, recipe, seed, arguments.images, sets, deep=False)
            for seed in arguments.seeds
        ]
        if number == 0:
            print(f"| {arguments.architecture}, views | {' | '.join(rows[0])} |")
            print(f"|{'--:|' * (len(rows[0]) + 1)}", flush=True)
        means = [np.mean([row[title] for row in rows]) for title in rows[0]]
        print(f"| {views} | {' | '.join(f'{mean:.2f}' for mean in means)} |", flush=True)
    return 0
