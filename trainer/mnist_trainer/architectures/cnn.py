"""`cnn`, the default (at most 28 kB in int8), and its small variant `tiny` (at most 12 kB, half of it weights).

Plain convolutions with batch normalization keep their accuracy in int8. There is no depthwise layer, which would need
a scale per channel, and no bias before a batch normalization, because the normalization has its own offset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_trainer.architectures.base import Architecture, convolution_block, padding_for, pooled
from mnist_trainer.recipes.augmentations import (
    AUGMENTATIONS,
    MORE_CORRUPTIONS,
    CorruptionAugmentation,
    NonDigits,
    PenDigits,
)
from mnist_trainer.recipes.distillation import Distillation
from mnist_trainer.recipes.recipe import Recipe

if TYPE_CHECKING:
    import keras

__all__ = ["CNN", "TINY"]


def build_cnn(task: Task = DIGITS) -> keras.Model:
    """Build the network of five convolutions: float32 (n, h, w, c) to a probability for each class of `task`.

    For the ten digits, the last feature maps are averaged (global average pooling). The second pooling has stride 1,
    and the convolutions after it are dilated. With the same number of weights, the mean then covers 49 positions
    instead of 16, so it depends less on the position of the digit. For other classes and sizes the maps are flattened,
    because more features and their positions may matter there.
    """
    import keras
    from keras import layers

    padding = padding_for(task, 24)
    averages = task == DIGITS
    step = 1 if averages else 2
    body = [
        *convolution_block(1, 16, 5, padding=padding),
        layers.MaxPooling2D(name="pool1"),
        *convolution_block(2, 24, 3, padding="same"),
        *convolution_block(3, 24, 3, padding="same"),
        layers.MaxPooling2D(strides=step, name="pool3"),
        *convolution_block(4, 26, 3, padding="same", dilation=2 // step),
        *convolution_block(5, 26, 3, padding=padding, dilation=2 // step),
    ]
    last = layers.GlobalAveragePooling2D(name="pool5") if averages else layers.Flatten(name="flatten")
    return keras.Sequential(
        [
            keras.Input(task.tensor_shape, name="pixels"),
            *pooled(body, task),
            last,
            layers.Dense(len(task.labels), activation="softmax", name="scores"),
        ],
        name="cnn",
    )


def build_tiny(task: Task = DIGITS) -> keras.Model:
    """Build the network of four convolutions: float32 (n, h, w, c) to a probability for each class of `task`."""
    import keras
    from keras import layers

    padding = padding_for(task, 24)
    return keras.Sequential(
        [
            keras.Input(task.tensor_shape, name="pixels"),
            *convolution_block(1, 12, 5, strides=2, padding=padding),
            *convolution_block(2, 13, 3, padding=padding),
            *convolution_block(3, 15, 3, padding=padding),
            layers.MaxPooling2D(name="pool3"),
            *convolution_block(4, 20, 3, padding=padding),
            layers.GlobalAveragePooling2D(name="pool4"),
            layers.Dense(len(task.labels), activation="softmax", name="scores"),
        ],
        name="tiny",
    )


CNN = Architecture(
    name="cnn",
    summary="five convolutions, trained on many handwritings, corrupted images and non-digits; the default",
    build=build_cnn,
    recipe=Recipe(
        epochs=120,
        batch_size=256,
        peak_learning_rate=2e-2,
        weight_decay=1e-2,
        loss="categorical_crossentropy",
        augmentation=AUGMENTATIONS["strong"],
        corruptions=CorruptionAugmentation(fraction=0.42, kinds=MORE_CORRUPTIONS),
        non_digits=NonDigits(fraction=0.12),
        pen=PenDigits(fraction=0.12, signs=0.04),
        final_epochs=90,
        cached_epochs=20,
        distillation=Distillation(teacher="accurate-mnist", fraction=0.9, temperature=3.0),
        ema_steps=500,
        precision="float32",
        validation_split=1 / 30,
    ),
)

TINY = Architecture(
    name="tiny",
    summary="four narrow convolutions; the smallest that reads well",
    build=build_tiny,
    recipe=Recipe(
        epochs=120,
        batch_size=256,
        peak_learning_rate=1.5e-2,
        weight_decay=1e-2,
        loss="categorical_crossentropy",
        augmentation=AUGMENTATIONS["strong"],
        pen=PenDigits(fraction=0.06),
        cached_epochs=20,
        distillation=Distillation(teacher="accurate-mnist", fraction=0.9, temperature=3.0),
        ema_steps=500,
        validation_split=1 / 30,
    ),
)
