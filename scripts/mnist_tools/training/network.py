"""Train a network, described by a short text, for a few epochs, and measure it on digits that no training has seen.

``5x16`` is a convolution of 5x5 pixels with 16 filters, batch normalization and ReLU; ``3x24=`` keeps the size of the
maps (padding), ``5x12/2`` has stride 2, ``3x26@2`` is dilated, ``3x24=+`` adds its input to its output. ``s3x24`` is
separable: a depthwise convolution of 3x3 pixels, then one of 1x1 with 24 filters, each with batch normalization and
ReLU. ``4b3x12`` is an inverted bottleneck: a convolution of 1x1 makes four times as many maps, a depthwise one follows,
then one of 1x1 with 12 filters and without ReLU. ``se4`` multiplies each map by a factor (squeeze and excitation with
four features). ``pool`` is the maximum of 2x2 pixels, ``pool/1`` at each position. The last word, ``mean`` or
``flatten``, is what the scores are computed from. The recipe is that of an architecture, shortened. The test images of
MNIST are not used. *bytes* are those of the int8 model without manifest and proof. *cross-entropy* is that of the
images out of fold at the best temperature, times 10,000.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.metrics import log_loss

from mnist_exporters import ExportSpec, Original, Precision
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.inputs.calibration import Calibration
from mnist_runtime.artifact.task import DIGITS, Task
from mnist_tools.training.pen import others, out_of_fold, right_answers
from mnist_trainer import ARCHITECTURES, Dataset, Recipe, architecture, train
from mnist_trainer.architectures.base import convolution_block
from mnist_trainer.evaluation.complexity import macs

__all__ = ["build_network", "main", "shortened"]

CONVOLUTION = re.compile(r"(s|\db)?(\d+)x(\d+)(=?)(?:/(\d))?(?:@(\d))?(\+?)")
SQUEEZE = re.compile(r"se(\d+)")
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
    if not words or words[-1] not in last:
        raise ValueError(f"The last word must be one of: {', '.join(last)}.")
    pixels = maps = keras.Input(task.tensor_shape)
    numbers = count(1)
    for word in words[:-1]:
        if word in POOL:
            maps = layers.MaxPooling2D(strides=POOL[word])(maps)
        elif found := SQUEEZE.fullmatch(word):
            maps = squeezed(maps, int(found[1]))
        elif found := CONVOLUTION.fullmatch(word):
            maps = convolved(maps, numbers, found)
        else:
            raise ValueError(f"{word!r} is no layer. Write for example 5x16, 3x24=, 5x12/2, 3x26@2, s3x24 or pool.")
    scores = layers.Dense(len(task.labels), activation="softmax", name="scores")
    return keras.Model(pixels, scores(last[words[-1]]()(maps)), name="network")


def convolved(maps: keras.KerasTensor, numbers: Iterator[int], word: re.Match[str]) -> keras.KerasTensor:
    """Append the layers of a word that matches `CONVOLUTION`. Each of their blocks has the next of `numbers`.

    Sources: A. Howard and others, "MobileNets", 2017 (separable); M. Sandler and others, "MobileNetV2: Inverted
    Residuals and Linear Bottlenecks", 2018 (inverted bottleneck); K. He and others, "Deep Residual Learning for Image
    Recognition", 2016 (added input).
    """
    kind, size, filters, same, stride, dilation, plus = word.groups()
    is_bottleneck = bool(kind) and kind != "s"
    shape = {"strides": int(stride or 1), "dilation": int(dilation or 1)}
    padding = "same" if same else "valid"
    body: list[keras.Layer] = []
    if is_bottleneck:
        body += convolution_block(next(numbers), int(kind[0]) * maps.shape[-1], 1)
    if kind:
        body += depthwise_block(int(size), padding=padding, **shape)
        body += convolution_block(next(numbers), int(filters), 1)
    else:
        body += convolution_block(next(numbers), int(filters), int(size), padding=padding, **shape)
    if is_bottleneck:
        del body[-1]  # the ReLU
    result = maps
    for layer in body:
        result = layer(result)
    if plus and result.shape != maps.shape:
        shapes = f"{maps.shape[1:]} and {result.shape[1:]}"
        raise ValueError(f"The input and output of {word[0]!r}, {shapes}, cannot be added. Leave out the +.")
    return keras.layers.Add()([maps, result]) if plus else result


def depthwise_block(size: int, *, strides: int, padding: str, dilation: int) -> list[keras.Layer]:
    """Build a depthwise convolution without bias, a batch normalization and a ReLU."""
    from keras import layers

    return [
        layers.DepthwiseConv2D(
            size,
            strides=strides,
            padding=padding,
            dilation_rate=dilation,
            use_bias=False,
            # He's rule for the weights of one channel; Keras would count the inputs of all channels.
            depthwise_initializer=keras.initializers.RandomNormal(stddev=(2 / size**2) ** 0.5),
        ),
        layers.BatchNormalization(),
        layers.ReLU(),
    ]


def squeezed(maps: keras.KerasTensor, hidden: int) -> keras.KerasTensor:
    """Multiply each channel by a factor that depends on the means of all channels, through `hidden` features.

    Source: J. Hu and others, "Squeeze-and-Excitation Networks", 2018.
    """
    from keras import layers

    means = layers.GlobalAveragePooling2D(keepdims=True)(maps)
    features = layers.Conv2D(hidden, 1, activation="relu", kernel_initializer="he_normal")(means)
    return layers.Multiply()([maps, layers.Conv2D(maps.shape[-1], 1, activation="sigmoid")(features)])


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


def cross_entropy(model: keras.Model, images: Dataset) -> float:
    """Return the mean cross-entropy of `images`, at the temperature that is best for them, times 10,000."""
    scores = model.predict(images.pixels(model.input_shape[1:]), batch_size=500, verbose=0)
    logits = np.log(np.maximum(scores, 1e-30)).astype(np.float64)  # logits, except for a constant per image

    def mean(factor: float) -> float:
        return float(log_loss(images.labels, softmax(logits * factor, axis=1)))

    return 1e4 * float(minimize_scalar(mean, bounds=(0.2, 5), method="bounded").fun)


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
        row = right_answers(model, rest, sets, deep=True) | {"cross-entropy": cross_entropy(model, rest)}
        if seed == arguments.seeds[0]:
            print(f"| network | {' | '.join([*sizes, *row])} |\n|---|{'--:|' * (len(sizes) + len(row))}")
        cells = [*(f"{value:,}" for value in sizes.values()), *(f"{value:.2f}" for value in row.values())]
        print(f"| {' '.join(arguments.words)}, seed {seed} | {' | '.join(cells)} |", flush=True)
    return 0
