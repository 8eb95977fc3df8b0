"""Train and evaluate Keras models that classify handwritten digits: data, architectures, recipes, training.

Importing this package is fast: each name is imported when it is first used, and TensorFlow only when it is needed.

Examples
--------
>>> from mnist_trainer import evaluate, load_data, load_model
>>> evaluate(load_model("cnn"), load_data("digits").test).accuracy > 0.9
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnist_trainer.architectures.base import Architecture
    from mnist_trainer.architectures.presets import PRESETS, Preset
    from mnist_trainer.architectures.registry import ARCHITECTURES, architecture
    from mnist_trainer.data.dataset import Dataset, Splits
    from mnist_trainer.data.load import DATASETS, load_data
    from mnist_trainer.data.stated import StatedTask
    from mnist_trainer.errors import DataError, DivergedError, MissingPackageError, ModelError, OutputError, UsageError
    from mnist_trainer.evaluation.evaluate import Evaluation, evaluate
    from mnist_trainer.model_io.find import READY_MODELS, ModelFile, find_model
    from mnist_trainer.model_io.load import load_model
    from mnist_trainer.model_io.measured.digit_model import DigitModel
    from mnist_trainer.recipes.augmentations import (
        AUGMENTATIONS,
        Augmentation,
        CorruptionAugmentation,
        NonDigits,
        PenDigits,
    )
    from mnist_trainer.recipes.choices import OPTIMIZERS
    from mnist_trainer.recipes.distillation import Distillation
    from mnist_trainer.recipes.fine_tuning import fine_tuning_recipe
    from mnist_trainer.recipes.pixel_scaling import PIXEL_CONVENTIONS, PixelScaling
    from mnist_trainer.recipes.recipe import Recipe
    from mnist_trainer.training.fine_tune import fine_tune
    from mnist_trainer.training.train import InterruptedTraining, Training, train

__all__ = [
    "ARCHITECTURES",
    "AUGMENTATIONS",
    "DATASETS",
    "OPTIMIZERS",
    "PIXEL_CONVENTIONS",
    "PRESETS",
    "READY_MODELS",
    "Architecture",
    "Augmentation",
    "CorruptionAugmentation",
    "DataError",
    "Dataset",
    "DigitModel",
    "Distillation",
    "DivergedError",
    "Evaluation",
    "InterruptedTraining",
    "MissingPackageError",
    "ModelError",
    "ModelFile",
    "NonDigits",
    "OutputError",
    "PenDigits",
    "PixelScaling",
    "Preset",
    "Recipe",
    "Splits",
    "StatedTask",
    "Training",
    "UsageError",
    "architecture",
    "evaluate",
    "find_model",
    "fine_tune",
    "fine_tuning_recipe",
    "load_data",
    "load_model",
    "train",
]

MODULES = {
    "ARCHITECTURES": "architectures.registry",
    "AUGMENTATIONS": "recipes.augmentations",
    "Architecture": "architectures.base",
    "Augmentation": "recipes.augmentations",
    "CorruptionAugmentation": "recipes.augmentations",
    "DATASETS": "data.load",
    "Dataset": "data.dataset",
    "DigitModel": "model_io.measured.digit_model",
    "Distillation": "recipes.distillation",
    "Evaluation": "evaluation.evaluate",
    "InterruptedTraining": "training.train",
    "ModelFile": "model_io.find",
    "NonDigits": "recipes.augmentations",
    "OPTIMIZERS": "recipes.choices",
    "PIXEL_CONVENTIONS": "recipes.pixel_scaling",
    "PRESETS": "architectures.presets",
    "PenDigits": "recipes.augmentations",
    "PixelScaling": "recipes.pixel_scaling",
    "Preset": "architectures.presets",
    "READY_MODELS": "model_io.find",
    "Recipe": "recipes.recipe",
    "Splits": "data.dataset",
    "StatedTask": "data.stated",
    "Training": "training.train",
    "architecture": "architectures.registry",
    "evaluate": "evaluation.evaluate",
    "find_model": "model_io.find",
    "fine_tune": "training.fine_tune",
    "fine_tuning_recipe": "recipes.fine_tuning",
    "load_data": "data.load",
    "load_model": "model_io.load",
    "train": "training.train",
}
"""Public name -> the module that defines it. A module is imported when one of its names is first used.

Public names without an entry are defined in ``errors``.
"""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = importlib.import_module(f"{__name__}.{MODULES.get(name, 'errors')}")
        return globals().setdefault(name, getattr(module, name))

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
