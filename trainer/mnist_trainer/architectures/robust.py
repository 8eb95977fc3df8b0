"""`robust`: as large as `cnn`, half its multiplications, and trained for what a camera sees.

The first convolution strides, so that the others see a quarter of the pixels: its 16 channels for 25 pixels lose
little, and a step takes a third of the time of a network that begins at full resolution.
"""

from __future__ import annotations

from functools import partial

from mnist_trainer.architecture import Architecture, Recipe
from mnist_trainer.architectures.four_convolutions import four_convolutions
from mnist_trainer.augmentation import AUGMENTATIONS
from mnist_trainer.corruption_augmentation import CorruptionAugmentation
from mnist_trainer.non_digits import NonDigits

__all__ = ["ROBUST"]


ROBUST = Architecture(
    name="robust",
    summary="four convolutions, the first of which strides; trained on spoilt pictures too",
    build=partial(four_convolutions, "robust", (16, 28, 28, 32)),
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
