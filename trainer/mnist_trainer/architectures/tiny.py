"""`tiny`: at most 12 kB in int8, half of which is not weights; hence few layers, and few channels.

The first convolution strides, so that the second, with most of the work, sees a quarter of the pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_trainer.architecture import Architecture, Recipe
from mnist_trainer.augmentation import AUGMENTATIONS

if TYPE_CHECKING:
    import keras

__all__ = ["TINY"]


def build() -> keras.Model:
    """Build the network: ``(n, 28, 28, 1)`` to ten probabilities."""
    import keras
    from keras import layers

    def convolution(number: int, filters: int, size: int = 3, stride: int = 1) -> list[keras.Layer]:
        return [
            layers.Conv2D(
                filters, size, strides=stride, use_bias=False, kernel_initializer="he_normal", name=f"conv{number}"
            ),
            layers.BatchNormalization(name=f"norm{number}"),
            layers.ReLU(name=f"relu{number}"),
        ]

    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="pixels"),
            *convolution(1, 12, size=5, stride=2),
            *convolution(2, 12),
            *convolution(3, 14),
            layers.MaxPooling2D(name="pool3"),
            *convolution(4, 18),
            layers.GlobalAveragePooling2D(name="pool4"),
            layers.Dense(10, activation="softmax", name="scores"),
        ],
        name="tiny",
    )


TINY = Architecture(
    name="tiny",
    summary="four convolutions, the first of which strides; 12 kB in int8",
    build=build,
    recipe=Recipe(
        epochs=60,
        batch_size=256,
        peak_learning_rate=1.5e-2,
        weight_decay=1e-2,
        loss="categorical_crossentropy",
        augmentation=AUGMENTATIONS["strong"],
        copies=12,
    ),
)
