"""Train a network, described by a short text, for a few epochs, and measure it on digits that no training has seen.

``5x16`` is a convolution of 5x5 pixels with 16 filters, batch normalization and ReLU; ``3x24=`` keeps the size of the
maps (padding), ``5x12/2`` has stride 2, ``3x26@2`` is dilated. ``pool`` is the maximum of 2x2 pixels, ``pool/1``
at each position. The last word, ``mean`` or ``flatten``, is what the scores are computed from. The recipe is that of an
architecture, shortened. The test images of MNIST are not used. *bytes* are those of the int8 model without manifest and
proof.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

from mnist_exporters import ExportSpec, Original, Precision
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.inputs.calibration import Calibration
from mnist_runtime.artifact.task import DIGITS, Task
from mnist_tools.training.pen import others, out_of_fold, right_answers
from mnist_trainer import ARCHITECTURES, Dataset, Recipe, architecture, train
from mnist_trainer.architectures.base import convolution_block
from mnist_trainer.evaluation.complexity import macs

__all__ = ["build_network", "main", "shortened"]

CONVOLUTION = re.compile(r"(\d+)x(\d+)(=?)(?:/(\d))?(?:@(\d))?")
POOL = {"pool": 2, "pool/1": 1}
"""Word -> stride."""
EMA_STEPS = 300
HELD_OUT = 1 / 40
CALIBRATION_IMAGES = 500


def build_network(words: Sequence[str], task: Task = DIGITS) -> keras.Model:
    """Build the network that `words` describe.

    Raises
    ------
    ValueError
        If a word is unknown, or the maps become too small.

    Examples
    --------
    >>> build_network(["5x16", "pool", "3x24=", "mean"]).count_params()
    4266
    """
    from keras import layers

    last = {"mean": layers.GlobalAveragePooling2D, "flatten": layers.Flatten}
    body: list[keras.Layer] = []
    for number, word in enumerate(words[:-1], 1):
        if word in POOL:
            body.append(layers.MaxPooling2D(strides=POOL[word]))
        elif found := CONVOLUTION.fullmatch(word):
            size, filters, same, stride, dilation = found.groups()
            body += convolution_block(
                number,
                int(filters),
                int(size),
                strides=int(stride or 1),
                padding="same" if same else "valid",
                dilation=int(dilation or 1),
            )
        else:
            raise ValueError(f"{word!r} is no layer. Write for example 5x16, 3x24=, 5x12/2, 3x26@2 or pool.")
    if not words or words[-1] not in last:
        raise ValueError(f"The last word must be one of: {', '.join(last)}.")
    scores = layers.Dense(len(task.labels), activation="softmax", name="scores")
    return keras.Sequential([keras.Input(task.tensor_shape), *body, last[words[-1]](), scores], name="network")


def shortened(own: Recipe, epochs: int) -> Recipe:
    """Return a recipe for few epochs: a third with newly changed images, and three quarters of all as final epochs."""
    return replace(
        own,
        epochs=epochs,
        cached_epochs=max(1, epochs // 3) if own.cached_epochs else None,
        final_epochs=max(1, epochs * 3 // 4) if own.final_epochs else None,
        ema_steps=EMA_STEPS if own.ema_steps else None,
        validation_split=HELD_OUT,
    )


def int8_bytes(model: keras.Model, data: Dataset) -> int:
    """Return the size of a network in int8, without manifest and proof."""
    original = Original.from_keras(model, data, recorded="0..1")
    calibration = Calibration.draw(data, CALIBRATION_IMAGES, seed=0)
    return len(load_plugin("tflite").convert(original, ExportSpec("tflite", Precision.INT8), calibration))


def main(argv: Sequence[str] | None = None) -> int:
    """Print a row in Markdown for each seed, below its head."""
    parser = argparse.ArgumentParser(prog="scripts/tool training network", description=__doc__)
    parser.add_argument("words", nargs="+", metavar="LAYER", help="for example: 5x16 pool 3x24 pool 3x26= mean")
    parser.add_argument("--like", default="cnn", choices=ARCHITECTURES, help="whose recipe to take (default: cnn)")
    parser.add_argument("--epochs", type=int, default=24, help="default: 24")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], metavar="N", help="default: 0")
    parser.add_argument("--others", type=Path, nargs="+", default=[], metavar="FILE.npz", help="`images` and `labels`")
    arguments = parser.parse_args(argv)
    try:
        network = build_network(arguments.words)
    except ValueError as error:
        parser.error(str(error))
    own = architecture(arguments.like)
    tried = replace(own, build=partial(build_network, arguments.words))
    splits, rest = out_of_fold()
    sets = others(arguments.others)
    facts = {"parameters": network.count_params(), "multiplications": macs(network)}
    for seed in arguments.seeds:
        model = train(tried, splits, recipe=shortened(own.recipe, arguments.epochs), seed=seed).model
        sizes = facts | {"bytes": int8_bytes(model, splits.train)}
        row = right_answers(model, rest, sets, deep=True)
        if seed == arguments.seeds[0]:
            print(f"| network | {' | '.join([*sizes, *row])} |\n|---|{'--:|' * (len(sizes) + len(row))}")
        cells = [*(f"{value:,}" for value in sizes.values()), *(f"{value:.2f}" for value in row.values())]
        print(f"| {' '.join(arguments.words)}, seed {seed} | {' | '.join(cells)} |", flush=True)
    return 0
