"""`dense-100`, `flatten-100`, `dense-1000`: the dense networks that tutorials train, as they train them.

With a sigmoid and a cross-entropy that normalises the ten, scores are seldom near 1; `linear` says what
this costs int8.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from mnist_trainer.architectures.base import Architecture
from mnist_trainer.augmentation.affine import AUGMENTATIONS
from mnist_trainer.recipes.recipe import TUTORIAL, Recipe

if TYPE_CHECKING:
    import keras

__all__ = ["DENSE_100", "DENSE_1000", "FLATTEN_100", "LINEAR", "MLP"]


def build_dense(name: str, shape: tuple[int, ...], width: int, scores: str) -> keras.Model:
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
    build=functools.partial(build_dense, "dense-100", (784,), 100, "sigmoid"),
    recipe=TUTORIAL,
)


FLATTEN_100 = Architecture(
    name="flatten-100",
    summary="one hidden layer of 100 on 28x28 pixels, flattened inside, ten sigmoids",
    build=functools.partial(build_dense, "flatten-100", (28, 28), 100, "sigmoid"),
    recipe=TUTORIAL,
)


DENSE_1000 = Architecture(
    name="dense-1000",
    summary="one hidden layer of 1,000",
    build=functools.partial(build_dense, "dense-1000", (28, 28), 1000, "softmax"),
    recipe=TUTORIAL,
)


def build_linear() -> keras.Model:
    """Build the network: ``(n, 28, 28)`` to ten independent scores."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((28, 28), name="pixels"),
            layers.Flatten(name="flatten"),
            layers.Dense(10, activation="sigmoid", name="scores"),
        ],
        name="linear",
    )


LINEAR = Architecture(
    name="linear",
    summary="one dense layer, ten sigmoids",
    build=build_linear,
    recipe=Recipe(
        epochs=12,
        batch_size=128,
        peak_learning_rate=1e-2,
        weight_decay=1e-3,
        loss="binary_crossentropy",
    ),
)


def build_mlp() -> keras.Model:
    """Build the network: ``(n, 28, 28)`` to ten probabilities."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((28, 28), name="pixels"),
            layers.Flatten(name="flatten"),
            layers.Dense(128, activation="relu", name="hidden1"),
            layers.Dense(64, activation="relu", name="hidden2"),
            layers.Dense(10, activation="softmax", name="scores"),
        ],
        name="mlp",
    )


MLP = Architecture(
    name="mlp",
    summary="two hidden layers, 128 and 64 wide",
    build=build_mlp,
    recipe=Recipe(
        epochs=20,
        batch_size=128,
        peak_learning_rate=3e-3,
        weight_decay=1e-2,
        loss="categorical_crossentropy",
        augmentation=AUGMENTATIONS["light"],
    ),
)
