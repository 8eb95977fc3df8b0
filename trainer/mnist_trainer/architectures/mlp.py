"""`mlp`: a multilayer perceptron, 128-64-10, as small boards have run it for years."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_trainer.architecture import Architecture, Recipe
from mnist_trainer.augmentation import AUGMENTATIONS

if TYPE_CHECKING:
    import keras

__all__ = ["MLP"]


def build() -> keras.Model:
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
    build=build,
    recipe=Recipe(
        epochs=20,
        batch_size=128,
        peak_learning_rate=3e-3,
        weight_decay=1e-2,
        loss="categorical_crossentropy",
        augmentation=AUGMENTATIONS["light"],
    ),
)
