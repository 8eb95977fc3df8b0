"""`linear`: one dense layer with a sigmoid, the first model of every tutorial and the floor for all others.

Each sigmoid is trained for itself, digit or not. Trained instead through a cross-entropy that normalises the ten
(as tutorials do), right answers can score a few hundredths, which int8 output in steps of 1/256 cannot tell apart:
104 of 10,000 answers were lost in int8 that way, 13 are this way.
"""

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
        epochs=12,
        batch_size=128,
        peak_learning_rate=1e-2,
        weight_decay=1e-3,
        loss="binary_crossentropy",
    ),
)
