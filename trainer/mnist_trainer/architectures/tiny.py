"""`tiny`: at most 12 kB in int8, half of which is not weights; hence few layers, and few channels."""

from __future__ import annotations

from functools import partial

from mnist_trainer.architecture import Architecture, Recipe
from mnist_trainer.architectures.four_convolutions import four_convolutions
from mnist_trainer.augmentation import AUGMENTATIONS
from mnist_trainer.distillation import Distillation

__all__ = ["TINY"]


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
        copies=12,
        distillation=Distillation(teacher="accurate", share=0.9, temperature=3.0),
        average=500,
    ),
)
