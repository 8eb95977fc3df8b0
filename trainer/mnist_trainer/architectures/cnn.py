"""`cnn`: the default. Plain batch-normalised convolutions, which int8 arithmetic follows closely.

No depthwise layer (its channels need scales of their own, and dynamic int8 ruins it), no bias before a batch
normalisation (it folds into the convolution), max-pooling (exact in int8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_trainer.architecture import Architecture, Recipe
from mnist_trainer.augmentation import AUGMENTATIONS

if TYPE_CHECKING:
    import keras

__all__ = ["CNN"]


def build() -> keras.Model:
    """Build the network: ``(n, 28, 28, 1)`` to ten probabilities."""
    import keras
    from keras import layers

    def convolution(number: int, filters: int) -> list[keras.Layer]:
        return [
            layers.Conv2D(filters, 3, use_bias=False, kernel_initializer="he_normal", name=f"conv{number}"),
            layers.BatchNormalization(name=f"norm{number}"),
            layers.ReLU(name=f"relu{number}"),
        ]

    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="pixels"),
            *convolution(1, 12),
            *convolution(2, 16),
            layers.MaxPooling2D(name="pool2"),
            *convolution(3, 24),
            *convolution(4, 24),
            layers.MaxPooling2D(name="pool4"),
            *convolution(5, 32),
            layers.GlobalAveragePooling2D(name="pool5"),
            layers.Dense(10, activation="softmax", name="scores"),
        ],
        name="cnn",
    )


CNN = Architecture(
    name="cnn",
    summary="five plain convolutions, batch-normalised; the default",
    build=build,
    recipe=Recipe(
        epochs=30,
        batch_size=128,
        peak_learning_rate=6e-3,
        weight_decay=2e-2,
        loss="categorical_crossentropy",
        augmentation=AUGMENTATIONS["strong"],
    ),
)
