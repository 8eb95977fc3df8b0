"""`dense-100`, `flatten-100`, `dense-1000`: the dense networks that tutorials train, as they train them.

With a sigmoid and a cross-entropy that normalises the ten, scores are seldom near 1; `linear` says what
this costs int8.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from mnist_trainer.architecture import TUTORIAL, Architecture

if TYPE_CHECKING:
    import keras

__all__ = ["DENSE_100", "DENSE_1000", "FLATTEN_100"]


def build(name: str, shape: tuple[int, ...], width: int, scores: str) -> keras.Model:
    """Build a network of one hidden layer: ``(n, *shape)`` to ten scores of the activation `scores`."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input(shape, name="pixels"),
            *([layers.Flatten(name="flatten")] if len(shape) > 1 else []),
            layers.Dense(width, activation="relu", name="hidden"),
            layers.Dense(10, activation=scores, name="scores"),
        ],
        name=name,
    )


DENSE_100 = Architecture(
    name="dense-100",
    summary="one hidden layer of 100 on 784 pixels in a row, ten sigmoids",
    build=functools.partial(build, "dense-100", (784,), 100, "sigmoid"),
    recipe=TUTORIAL,
)

FLATTEN_100 = Architecture(
    name="flatten-100",
    summary="one hidden layer of 100 on 28x28 pixels, flattened inside, ten sigmoids",
    build=functools.partial(build, "flatten-100", (28, 28), 100, "sigmoid"),
    recipe=TUTORIAL,
)

DENSE_1000 = Architecture(
    name="dense-1000",
    summary="one hidden layer of 1,000",
    build=functools.partial(build, "dense-1000", (28, 28), 1000, "softmax"),
    recipe=TUTORIAL,
)
