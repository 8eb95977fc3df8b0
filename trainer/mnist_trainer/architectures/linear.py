"""`linear`: one dense layer with a sigmoid, the first model of every tutorial and the floor for all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_trainer.architecture import Architecture, Recipe

if TYPE_CHECKING:
    import keras

__all__ = ["LINEAR"]


def build() -> keras.Model:
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
    build=build,
    recipe=Recipe(
        epochs=10,
        batch_size=128,
        peak_learning_rate=2e-3,
        weight_decay=1e-2,
        loss="sparse_categorical_crossentropy",
    ),
)
