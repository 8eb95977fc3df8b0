"""`accurate`: the largest, at most 370 kB in int8 and 7 million multiplications an image.

In the line of C. Deotte's "25 Million Images!" (Kaggle, 2018): learnable pooling, that is convolutions that stride,
and dropout. Its two full-resolution layers, two thirds of its time, are one 5x5 layer of stride 2 here, which with
32 channels for 25 pixels loses nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_trainer.architectures.base import Architecture
from mnist_trainer.augmentation.affine import AUGMENTATIONS
from mnist_trainer.recipes.recipe import Recipe

if TYPE_CHECKING:
    import keras

__all__ = ["ACCURATE"]


def build() -> keras.Model:
    """Build the network: ``(n, 28, 28, 1)`` to ten probabilities."""
    import keras
    from keras import layers

    def convolution(number: int, filters: int, size: int = 3, stride: int = 1, pad: str = "valid") -> list[keras.Layer]:
        return [
            layers.Conv2D(
                filters,
                size,
                strides=stride,
                padding=pad,
                use_bias=False,
                kernel_initializer="he_normal",
                name=f"conv{number}",
            ),
            layers.BatchNormalization(name=f"norm{number}"),
            layers.ReLU(name=f"relu{number}"),
        ]

    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="pixels"),
            *convolution(1, 32, size=5, stride=2),
            *convolution(2, 64),
            *convolution(3, 64),
            *convolution(4, 64, size=5, stride=2, pad="same"),
            layers.Dropout(0.3, name="drop4"),
            *convolution(5, 96, pad="same"),
            *convolution(6, 80, size=4),
            layers.Flatten(name="flatten"),
            layers.Dropout(0.3, name="drop6"),
            layers.Dense(10, activation="softmax", name="scores"),
        ],
        name="accurate",
    )


ACCURATE = Architecture(
    name="accurate",
    summary="six convolutions, three of which stride; the most accurate",
    build=build,
    recipe=Recipe(
        epochs=30,
        batch_size=256,
        peak_learning_rate=6e-3,
        weight_decay=2e-2,
        loss="categorical_crossentropy",
        augmentation=AUGMENTATIONS["strong"],
        ema_steps=500,
    ),
)
