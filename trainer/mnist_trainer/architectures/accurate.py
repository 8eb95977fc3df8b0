"""`accurate`: the largest architecture, at most 370 kB in int8 and 7 million multiplications per image.

Based on C. Deotte, "25 Million Images!" (Kaggle, 2018): strided convolutions instead of pooling, and dropout. In the
source, the two full-resolution layers take two thirds of the time. Here, one 5x5 layer with stride 2 and 32 channels
replaces them, without a loss of accuracy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_trainer.architectures.base import Architecture, convolution_block, padding_for, pooled
from mnist_trainer.recipes.augmentations import AUGMENTATIONS, PenDigits
from mnist_trainer.recipes.recipe import Recipe

if TYPE_CHECKING:
    import keras

__all__ = ["ACCURATE"]


def build_accurate(task: Task = DIGITS) -> keras.Model:
    """Build the network: float32 (n, h, w, c) to a probability for each class of `task`."""
    import keras
    from keras import layers

    padding = padding_for(task, 25)
    body = [
        *convolution_block(1, 32, 5, strides=2, padding=padding),
        *convolution_block(2, 64, 3, padding=padding),
        *convolution_block(3, 64, 3, padding=padding),
        *convolution_block(4, 64, 5, strides=2, padding="same"),
        layers.Dropout(0.3, name="drop4"),
        *convolution_block(5, 96, 3, padding="same"),
        *convolution_block(6, 80, 4, padding=padding),
    ]
    return keras.Sequential(
        [
            keras.Input(task.tensor_shape, name="pixels"),
            *pooled(body, task),
            layers.Flatten(name="flatten"),
            layers.Dropout(0.3, name="drop6"),
            layers.Dense(len(task.labels), activation="softmax", name="scores"),
        ],
        name="accurate",
    )


ACCURATE = Architecture(
    name="accurate",
    summary="six convolutions, two of them strided; the most accurate",
    build=build_accurate,
    recipe=Recipe(
        epochs=30,
        batch_size=256,
        peak_learning_rate=6e-3,
        weight_decay=2e-2,
        loss="categorical_crossentropy",
        augmentation=AUGMENTATIONS["strong"],
        pen=PenDigits(fraction=0.1),
        ema_steps=500,
    ),
)
