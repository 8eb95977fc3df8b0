"""recipe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_trainer.errors import UsageError
from mnist_trainer.recipes.choices import OPTIMIZERS, PRECISIONS, SCHEDULES

if TYPE_CHECKING:
    from mnist_trainer.augmentation.affine import Augmentation
    from mnist_trainer.augmentation.corruptions import CorruptionAugmentation
    from mnist_trainer.augmentation.non_digits import NonDigits
    from mnist_trainer.recipes.distillation import Distillation

__all__ = ["TUTORIAL", "Recipe"]


@dataclass(frozen=True)
class Recipe:
    """How an architecture is trained; with the seed and the images it determines the weights.

    Parameters
    ----------
    epochs, batch_size : int
        At least 1.
    peak_learning_rate : float
        The highest, above 0; of a constant schedule the only one.
    loss : str
        A loss of Keras, by name; labels are digits for one that begins with ``"sparse"``, else one-hot.
    optimizer : str
        A row of `mnist_trainer.recipes.choices.OPTIMIZERS`.
    weight_decay : float
        Decoupled (I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", 2019), whichever the optimiser.
    schedule : str
        One of `mnist_trainer.recipes.choices.SCHEDULES`.
    augmentation : Augmentation, optional
        How training images are changed.
    corruptions : CorruptionAugmentation, optional
        Which part of a batch is spoilt.
    non_digits : NonDigits, optional
        Which part of a batch shows no digit; not for a loss that takes digits.
    final_epochs : int, optional
        The last epochs, at least 1, in which a third as many images are spoilt or show no digit.
    cached_epochs : int, optional
        How many epochs change the images anew, at least 1; later ones show those again. Saves time and, with a teacher,
        most of it.
    distillation : Distillation, optional
        Whose answers are learned beside the labels; needs `cached_epochs`, and a loss that does not take digits.
    ema_steps : int, optional
        Steps over which the weights are averaged, at least 1, and at most a quarter of all: the model ends with the
        average, see `mnist_trainer.training.techniques.weight_average`; not with patience, which chooses among the
        weights themselves.
    precision : str, optional
        One of `mnist_trainer.recipes.choices.PRECISIONS`: of the arithmetic while it is trained, which then a faster
        copy of the network does; the model is float32. Without it the network itself is trained.
    validation_split : float, optional
        Share of the training images, below 1, held out to validate with: by default 5,000 of MNIST's 60,000, for what
        is still to be chosen; a recipe that was chosen may leave the model more to learn from. Ten at least.
    patience : int, optional
        Epochs without a smaller validation loss after which training ends, with the weights of the best; at least 1.

    Raises
    ------
    UsageError
        If a number or name is not one of those.
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

    def __post_init__(self) -> None:
        for name, least in (
            ("epochs", 1),
            ("batch_size", 1),
            ("patience", 1),
            ("final_epochs", 1),
            ("cached_epochs", 1),
            ("ema_steps", 1),
            ("weight_decay", 0),
        ):
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise UsageError(f"Expected {name} of at least {least}, received {value}.")
        if not 0 < self.validation_split < 1:
            raise UsageError(f"Expected a validation split between 0 and 1, received {self.validation_split}.")
        if not 0 < self.peak_learning_rate < math.inf:
            raise UsageError(f"Expected a learning rate above 0, received {self.peak_learning_rate}.")
        if self.ema_steps is not None and self.patience is not None:
            raise UsageError("Expected ema_steps or patience, received both.")
        if (self.non_digits or self.distillation) and self.loss.startswith("sparse"):
            raise UsageError(f"Expected a loss of shares for non-digits and distillation, received {self.loss!r}.")
        if self.distillation and not self.cached_epochs:
            raise UsageError("distillation needs cached_epochs. Set how many epochs to keep for reuse.")
        for name, known in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
            if getattr(self, name) not in known:
                raise UsageError(f"Expected {name} {' or '.join(known)}, received {getattr(self, name)!r}.")
        if self.precision not in (None, *PRECISIONS):
            raise UsageError(f"Expected precision {' or '.join(PRECISIONS)}, received {self.precision!r}.")


TUTORIAL = Recipe(
    epochs=5,
    batch_size=32,
    peak_learning_rate=1e-3,
    loss="sparse_categorical_crossentropy",
    optimizer="adam",
    schedule="constant",
)
"""What `model.compile("adam", "sparse_categorical_crossentropy")` and `model.fit(x, y, epochs=5)` do in Keras."""
