"""Data, architectures, training and evaluation: everything up to a Keras model of digits.

Importing this package imports neither TensorFlow nor scikit-learn; its functions do when they run.
"""

from mnist_trainer.architecture import ARCHITECTURES, Architecture, Recipe, architecture
from mnist_trainer.augmentation import Augmentation
from mnist_trainer.dataset import Dataset, Splits
from mnist_trainer.datasets import DATASETS, load_data
from mnist_trainer.errors import DataError, ModelError, TrainerError, UsageError
from mnist_trainer.evaluation import Evaluation, evaluate
from mnist_trainer.model_file import load_model, model_path
from mnist_trainer.training import Training, train

__all__ = [
    "ARCHITECTURES",
    "DATASETS",
    "Architecture",
    "Augmentation",
    "DataError",
    "Dataset",
    "Evaluation",
    "ModelError",
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
