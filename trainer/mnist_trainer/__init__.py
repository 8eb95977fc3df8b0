"""Data, architectures, training and evaluation: everything up to a Keras model of digits.

Importing this package imports neither TensorFlow nor scikit-learn; its functions do when they run.
"""

from mnist_trainer.architecture import ARCHITECTURES, Architecture, Recipe, architecture
from mnist_trainer.augmentation import AUGMENTATIONS, Augmentation
from mnist_trainer.corruption_augmentation import CorruptionAugmentation
from mnist_trainer.dataset import Dataset, Splits
from mnist_trainer.datasets import DATASETS, load_data
from mnist_trainer.distillation import Distillation
from mnist_trainer.errors import (
    DataError,
    DivergedError,
    MissingPackageError,
    ModelError,
    TrainerError,
    UsageError,
)
from mnist_trainer.evaluation import Evaluation, evaluate
from mnist_trainer.model_file import READY_MODELS, load_model, model_path
from mnist_trainer.non_digits import NonDigits
from mnist_trainer.optimizer import OPTIMIZERS
from mnist_trainer.preset import PRESETS, Preset
from mnist_trainer.training import InterruptedTraining, Training, train

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
    "NonDigits",
    "Preset",
    "Recipe",
    "Splits",
    "TrainerError",
    "Training",
    "UsageError",
    "architecture",
    "evaluate",
    "load_data",
    "load_model",
    "model_path",
    "train",
]
