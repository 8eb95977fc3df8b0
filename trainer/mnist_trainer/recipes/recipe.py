"""`Recipe`: all settings of a training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_trainer.errors import UsageError
from mnist_trainer.recipes.augmentations import Augmentation, CorruptionAugmentation, NonDigits, PenDigits
from mnist_trainer.recipes.choices import OPTIMIZERS, PRECISIONS, SCHEDULES
from mnist_trainer.recipes.distillation import Distillation

__all__ = ["TUTORIAL", "Recipe"]


@dataclass(frozen=True)
class Recipe:
    """All settings of a training. Together with the seed and the images they determine the weights.

    Parameters
    ----------
    epochs, batch_size : int
        Passes over the training images, and images per step; each at least 1.
    peak_learning_rate : float
        Highest learning rate, above 0. A constant schedule uses it in every step.
    loss : str
        Name of a Keras loss. Labels are one-hot, or numbers of classes if the name begins
        with ``"sparse"``.
    optimizer : str
        Key of `mnist_trainer.recipes.choices.OPTIMIZERS`.
    weight_decay : float
        Decoupled weight decay, for every optimizer (I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization",
        2019).
    schedule : str
        Learning rate schedule, one of `mnist_trainer.recipes.choices.SCHEDULES`.
    augmentation : Augmentation, optional
        Random affine changes of the training images.
    corruptions : CorruptionAugmentation, optional
        Corruption of part of each batch.
    non_digits : NonDigits, optional
        Images of no digit in each batch. Needs a loss with one-hot labels.
    pen : PenDigits, optional
        Digits of a simulated pen in each batch. Needs a loss with one-hot labels, and images and labels as in MNIST.
    final_epochs : int, optional
        Number of epochs at the end, at least 1, in which only a third as many images are corrupted or non-digits.
    cached_epochs : int, optional
        Number of epochs at the start, at least 1, with newly augmented images. Later epochs reuse these images, which
        saves time, especially with a teacher.
    distillation : Distillation, optional
        Training with a teacher's answers. Needs `cached_epochs` and a loss with one-hot labels.
    ema_steps : int, optional
        Time constant, in steps, of the exponential moving average of the weights, at least 1. At most a quarter of all
        steps is used. The trained model has the average; see `mnist_trainer.training.techniques.weight_average`. Not
        with `patience`, which selects the weights of one epoch.
    precision : str, optional
        One of `mnist_trainer.recipes.choices.PRECISIONS`, for the arithmetic in training. If given, a faster copy of
        the network is trained; its weights are float32. None trains the network itself.
    validation_split : float, optional
        Fraction of the training images, below 1, that is held out for validation; at least ten images. The default
        holds out 5,000 of MNIST's 60,000, enough to choose a recipe. A recipe that is already chosen needs fewer.
    patience : int, optional
        Number of epochs without a lower validation loss, at least 1, after which training stops. The model then has the
        weights of the best epoch.

    Raises
    ------
    UsageError
        If a number or a name is not allowed, or two settings exclude each other.
    """

    epochs: int
    batch_size: int
    peak_learning_rate: float
    loss: str
    optimizer: str = "adamw"
    weight_decay: float = 0.0
    schedule: str = "one-cycle"
    augmentation: Augmentation | None = None
    corruptions: CorruptionAugmentation | None = None
    non_digits: NonDigits | None = None
    final_epochs: int | None = None
    cached_epochs: int | None = None
    distillation: Distillation | None = None
    ema_steps: int | None = None
    precision: str | None = None
    validation_split: float = 1 / 12
    patience: int | None = None
    pen: PenDigits | None = None

    def __post_init__(self) -> None:
        self._check_numbers()
        for name, known in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES), ("precision", (None, *PRECISIONS))):
            if getattr(self, name) not in known:
                choices = ", ".join(choice for choice in known if choice)
                raise UsageError(f"There is no {name} {getattr(self, name)!r}. Choose one of: {choices}.")
        if self.ema_steps is not None and self.patience is not None:
            raise UsageError("ema_steps and patience exclude each other. Leave one of them out.")
        if (self.non_digits or self.distillation or self.pen) and not self.takes_one_hot:
            raise UsageError(
                f"non_digits, distillation and pen need a loss with one-hot labels, not {self.loss}. Use for example "
                "categorical_crossentropy."
            )
        if self.pen and not 0 <= self.pen.fraction + self.pen.signs <= 1:
            raise UsageError(
                f"Pen digits and signs are {self.pen.fraction + self.pen.signs:g} of a batch. Make them at most 1."
            )
        if self.distillation and not self.cached_epochs:
            raise UsageError("distillation needs cached_epochs. Set it to the number of epochs to keep for reuse.")

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Recipe:
        """Return the recipe in a training record. Settings that an older record lacks get their defaults.

        Examples
        --------
        >>> from dataclasses import asdict
        >>> Recipe.from_record(asdict(TUTORIAL)) == TUTORIAL
        True
        """
        parts = {
            "augmentation": Augmentation,
            "corruptions": CorruptionAugmentation,
            "non_digits": NonDigits,
            "distillation": Distillation,
            "pen": PenDigits,
        }
        settings: dict[str, Any] = dict(record)
        for name, part in parts.items():
            if settings.get(name):
                values = {
                    key: tuple(value) if isinstance(value, list) else value for key, value in record[name].items()
                }
                settings[name] = part(**values)
        return cls(**settings)

    @property
    def takes_one_hot(self) -> bool:
        """Whether the loss needs one-hot labels; otherwise it needs class numbers."""
        return not self.loss.startswith("sparse")

    def for_task(self, task: Task) -> Recipe:
        """Return the recipe for `task`: for other images or classes, without the settings that are made for digits.

        These are the teacher, which knows only digits; non-digits; the pen; and the cached and final epochs, which are
        useful only with them. Corruptions are made for white ink on black. So they are removed unless the preparation
        is that of MNIST.

        Examples
        --------
        >>> TUTORIAL.for_task(DIGITS) is TUTORIAL.for_task(Task(32, 20, 3)) is TUTORIAL
        True
        """
        if task == DIGITS or not (self.distillation or self.non_digits or self.corruptions or self.pen):
            return self
        corruptions = self.corruptions if task.preparation == "mnist" else None
        plain = replace(self, distillation=None, cached_epochs=None, final_epochs=None, non_digits=None, pen=None)
        return replace(plain, corruptions=corruptions)

    def check_task(self, task: Task) -> None:
        """Check that the recipe can train on the images of `task`.

        Raises
        ------
        UsageError
            If it has settings that are possible only for digits of 28 x 28 pixels.
        """
        if (self.non_digits or self.corruptions) and task.tensor_shape != DIGITS.tensor_shape:
            raise UsageError(
                "The recipe has corruptions or non-digits, which are for gray images of 28x28 pixels. Leave them out, "
                "or use recipe.for_task(task)."
            )

    def _check_numbers(self) -> None:
        counts = ("epochs", "batch_size", "patience", "final_epochs", "cached_epochs", "ema_steps")
        for name, least in (*((name, 1) for name in counts), ("weight_decay", 0)):
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise UsageError(f"{name} is {value}, but must be at least {least}.")
        if not 0 < self.validation_split < 1:
            raise UsageError(f"validation_split is {self.validation_split}, but must be between 0 and 1.")
        if not 0 < self.peak_learning_rate < math.inf:
            raise UsageError(f"peak_learning_rate is {self.peak_learning_rate}, but must be above 0 and finite.")


TUTORIAL = Recipe(
    epochs=5,
    batch_size=32,
    peak_learning_rate=1e-3,
    loss="sparse_categorical_crossentropy",
    optimizer="adam",
    schedule="constant",
)
"""Recipe of Keras tutorials: ``compile("adam", "sparse_categorical_crossentropy")`` and ``fit(x, y, epochs=5)``."""
