"""`robust`: as large as `cnn`, half its multiplications, and trained for what a camera sees.

The first convolution strides, so that the others see a quarter of the pixels: its 16 channels for 25 pixels lose
little, and a step takes a third of the time of a network that begins at full resolution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_trainer.architecture import Architecture, Recipe
from mnist_trainer.augmentation import AUGMENTATIONS
from mnist_trainer.corruption_augmentation import CorruptionAugmentation
from mnist_trainer.non_digits import NonDigits

if TYPE_CHECKING:
    import keras

__all__ = ["ROBUST"]


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
            *convolution(1, 16, size=5, stride=2),
            *convolution(2, 28),
            *convolution(3, 28),
            layers.MaxPooling2D(name="pool3"),
            *convolution(4, 32),
            layers.GlobalAveragePooling2D(name="pool4"),
            layers.Dense(10, activation="softmax", name="scores"),
        ],
        name="robust",
    )


ROBUST = Architecture(
    name="robust",
    summary="four convolutions, the first of which strides; trained on spoilt pictures too",
    build=build,
    recipe=Recipe(
        epochs=100,
        batch_size=256,
        peak_learning_rate=1e-2,
        weight_decay=1e-2,
        loss="categorical_crossentropy",
        augmentation=AUGMENTATIONS["strong"],
        corruptions=CorruptionAugmentation(share=0.34),
        non_digits=NonDigits(share=0.12),
        copies=20,
        average=500,
    ),
)
