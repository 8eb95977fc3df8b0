"""`strided`: learns fastest, since strides in place of pooling spare three quarters of the work of two convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_trainer.architectures.base import Architecture
from mnist_trainer.augmentation.affine import AUGMENTATIONS
from mnist_trainer.recipes.recipe import Recipe

if TYPE_CHECKING:
    import keras

__all__ = ["STRIDED"]


def build() -> keras.Model:
    """Build the network: ``(n, 28, 28, 1)`` to ten probabilities."""
    import keras
    from keras import layers

    def convolution(number: int, filters: int, size: int, strides: int = 1) -> list[keras.Layer]:
        return [
            layers.Conv2D(filters, size, strides, use_bias=False, kernel_initializer="he_normal", name=f"conv{number}"),
            layers.BatchNormalization(momentum=0.9, name=f"norm{number}"),  # Keras's 0.99 lags behind so few steps
            layers.ReLU(name=f"relu{number}"),
        ]

    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="pixels"),
            *convolution(1, 16, 5, strides=2),
            *convolution(2, 32, 3, strides=2),
            *convolution(3, 48, 3),
            layers.Flatten(name="flatten"),
            layers.Dense(10, activation="softmax", name="scores"),
        ],
        name="strided",
    )


STRIDED = Architecture(
    name="strided",
    summary="three plain convolutions, two with strides in place of pooling; learns fastest",
    build=build,
    recipe=Recipe(
        epochs=15,
        batch_size=128,
        peak_learning_rate=1e-2,
        weight_decay=1e-2,
        loss="categorical_crossentropy",
        augmentation=AUGMENTATIONS["strong"],
    ),
)
