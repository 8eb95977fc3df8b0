"""`cnn`: the default, at most 28 kB in int8, and trained for what a camera sees.

Plain batch-normalised convolutions, which int8 arithmetic follows closely: no depthwise layer, whose channels need
scales of their own, no bias before a normalisation, which folds into the convolution.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mnist_trainer.architectures.base import Architecture
from mnist_trainer.augmentation.affine import AUGMENTATIONS
from mnist_trainer.augmentation.corruptions import CorruptionAugmentation
from mnist_trainer.augmentation.non_digits import NonDigits
from mnist_trainer.recipes.distillation import Distillation
from mnist_trainer.recipes.recipe import Recipe

if TYPE_CHECKING:
    import keras

__all__ = ["CNN", "TINY", "four_convolutions"]


def four_convolutions(name: str, filters: tuple[int, int, int, int], *, lean: bool) -> keras.Model:
    """Build the network: ``(n, 28, 28, 1)`` to ten probabilities.

    Parameters
    ----------
    name : str
        Of the model.
    filters : tuple of int
        Of each convolution.
    lean : bool
        Whether to spare time and bytes: the first convolution strides, where else a pooling leaves the others a quarter
        of its places; and a score weighs the mean of the last four places, where else each of them for itself.
    """
    import keras
    from keras import layers

    def convolution(number: int, size: int = 3, stride: int = 1) -> list[keras.Layer]:
        width = filters[number - 1]
        return [
            layers.Conv2D(
                width, size, strides=stride, use_bias=False, kernel_initializer="he_normal", name=f"conv{number}"
            ),
            layers.BatchNormalization(name=f"norm{number}"),
            layers.ReLU(name=f"relu{number}"),
        ]

    first = convolution(1, size=5, stride=2) if lean else [*convolution(1, size=5), layers.MaxPooling2D(name="pool1")]
    last = layers.GlobalAveragePooling2D(name="pool4") if lean else layers.Flatten(name="flatten")
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="pixels"),
            *first,
            *convolution(2),
            *convolution(3),
            layers.MaxPooling2D(name="pool3"),
            *convolution(4),
            last,
            layers.Dense(10, activation="softmax", name="scores"),
        ],
        name=name,
    )


CNN = Architecture(
    name="cnn",
    summary="four convolutions, trained on spoilt pictures and on pictures of no digit too; the default",
    build=partial(four_convolutions, "cnn", (16, 28, 28, 28), lean=False),
    recipe=Recipe(
        epochs=96,
        batch_size=256,
        peak_learning_rate=1e-2,
        weight_decay=1e-2,
        loss="categorical_crossentropy",
        augmentation=AUGMENTATIONS["strong"],
        corruptions=CorruptionAugmentation(fraction=0.34),
        non_digits=NonDigits(fraction=0.12),
        final_epochs=72,
        cached_epochs=16,
        distillation=Distillation(teacher="accurate", fraction=0.9, temperature=3.0),
        ema_steps=500,
        precision="float32",
        validation_split=1 / 30,
    ),
)


TINY = Architecture(
    name="tiny",
    summary="four narrow convolutions; 12 kB in int8",
    build=partial(four_convolutions, "tiny", (12, 12, 14, 18), lean=True),
    recipe=Recipe(
        epochs=60,
        batch_size=256,
        peak_learning_rate=1.5e-2,
        weight_decay=1e-2,
        loss="categorical_crossentropy",
        augmentation=AUGMENTATIONS["strong"],
        cached_epochs=12,
        distillation=Distillation(teacher="accurate", fraction=0.9, temperature=3.0),
        ema_steps=500,
    ),
)
