"""`cnn`: the default, at most 28 kB in int8, and trained for what a camera sees.

Plain batch-normalised convolutions, which int8 arithmetic follows closely: no depthwise layer, whose channels need
scales of their own, no bias before a normalisation, which folds into the convolution.
"""

from __future__ import annotations

from functools import partial

from mnist_trainer.architecture import Architecture, Recipe
from mnist_trainer.architectures.four_convolutions import four_convolutions
from mnist_trainer.augmentation import AUGMENTATIONS
from mnist_trainer.corruption_augmentation import CorruptionAugmentation
from mnist_trainer.distillation import Distillation
from mnist_trainer.non_digits import NonDigits

__all__ = ["CNN"]


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
        corruptions=CorruptionAugmentation(share=0.34),
        non_digits=NonDigits(share=0.12),
        finish=72,
        copies=16,
        distillation=Distillation(teacher="accurate", share=0.9, temperature=3.0),
        average=500,
        precision="float32",
        validation_split=1 / 30,
    ),
)
