"""`cnn`, the default (at most 28 kB in int8), and its small variant `tiny` (at most 12 kB, of which half is weights).

Plain convolutions with batch normalization keep their accuracy in int8. There is no depthwise layer, which would need
a scale per channel, and no bias before a batch normalization, because the normalization has its own offset.
"""

from __future__ import annotations

from functools import partial
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


def build_cnn(name: str, filters: tuple[int, int, int, int], task: Task = DIGITS, *, lean: bool) -> keras.Model:
    """Build a network of four convolutions: float32 (n, h, w, c) to a probability for each class.

    Parameters
    ----------
    name : str
        Name of the model.
    filters : tuple of int
        Number of filters of each convolution.
    task : Task
        Images and classes.
    lean : bool
        Whether to save time and bytes: the first convolution has stride 2 instead of a pooling after it, and the last
        feature maps are averaged instead of flattened.
    """
    import keras
    from keras import layers

    padding = padding_for(task, 24)
    if lean:
        first = convolution_block(1, filters[0], 5, strides=2, padding=padding)
        last = layers.GlobalAveragePooling2D(name="pool4")
    else:
        first = [*convolution_block(1, filters[0], 5, padding=padding), layers.MaxPooling2D(name="pool1")]
        last = layers.Flatten(name="flatten")
    body = [
        *first,
        *convolution_block(2, filters[1], 3, padding=padding),
        *convolution_block(3, filters[2], 3, padding=padding),
        layers.MaxPooling2D(name="pool3"),
        *convolution_block(4, filters[3], 3, padding=padding),
    ]
    return keras.Sequential(
        [
            keras.Input(task.tensor_shape, name="pixels"),
            *(body if lean else pooled(body, task)),
            last,
            layers.Dense(len(task.labels), activation="softmax", name="scores"),
        ],
        name=name,
    )


CNN = Architecture(
    name="cnn",
    summary="four convolutions, trained on many handwritings, corrupted images and non-digits; the default",
    build=partial(build_cnn, "cnn", (16, 30, 30, 29), lean=False),
    recipe=Recipe(
        epochs=120,
        batch_size=256,
        peak_learning_rate=1e-2,
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
    build=partial(build_cnn, "tiny", (12, 13, 15, 20), lean=True),
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
