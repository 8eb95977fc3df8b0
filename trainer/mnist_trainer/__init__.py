"""Data, architectures, training and evaluation: everything up to a Keras model of digits.

Importing this package imports neither TensorFlow nor scikit-learn; its functions do when they run.
"""

from mnist_trainer.architectures.base import Architecture
from mnist_trainer.architectures.registry import ARCHITECTURES, architecture
from mnist_trainer.augmentation.affine import AUGMENTATIONS, Augmentation
from mnist_trainer.augmentation.corruptions import CorruptionAugmentation
from mnist_trainer.augmentation.non_digits import NonDigits
from mnist_trainer.data.dataset import Dataset, Splits
from mnist_trainer.data.load import DATASETS, load_data
from mnist_trainer.errors import DataError, DivergedError, MissingPackageError, ModelError, OutputError, UsageError
from mnist_trainer.evaluation.evaluate import Evaluation, evaluate
from mnist_trainer.model_io.find import READY_MODELS, ModelFile, find_model
from mnist_trainer.model_io.load import load_model
from mnist_trainer.recipes.choices import OPTIMIZERS
from mnist_trainer.recipes.distillation import Distillation
from mnist_trainer.recipes.presets import PRESETS, Preset
from mnist_trainer.recipes.recipe import Recipe
from mnist_trainer.training.train import InterruptedTraining, Training, train

__all__ = [
    "ARCHITECTURES",
    "AUGMENTATIONS",
    "DATASETS",
    "OPTIMIZERS",
    "PRESETS",
    "READY_MODELS",
    "Architecture",
    "Augmentation",
    "CorruptionAugmentation",
    "DataError",
    "Dataset",
    "Distillation",
    "DivergedError",
    "Evaluation",
    "InterruptedTraining",
    "MissingPackageError",
    "ModelError",
    "ModelFile",
    "NonDigits",
    "OutputError",
    "Preset",
    "Recipe",
    "Splits",
    "Training",
    "UsageError",
    "architecture",
    "evaluate",
    "find_model",
    "load_data",
    "load_model",
    "train",
]
