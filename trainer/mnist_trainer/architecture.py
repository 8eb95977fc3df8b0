"""`Architecture`: a network with a name and the recipe that trains it; and the table of them all."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_trainer.errors import UsageError

if TYPE_CHECKING:
    import keras

    from mnist_trainer.augmentation import Augmentation

__all__ = ["ARCHITECTURES", "Architecture", "Recipe", "architecture"]

ARCHITECTURES: dict[str, str] = {
    "linear": "mnist_trainer.architectures.linear:LINEAR",
    "mlp": "mnist_trainer.architectures.mlp:MLP",
    "cnn": "mnist_trainer.architectures.cnn:CNN",
}
"""Name -> ``"module:attribute"``; reading the table imports nothing. A new architecture is one module, one row."""


@dataclass(frozen=True)
class Recipe:
    """How an architecture is trained: AdamW on one cycle, up to the peak learning rate and down to zero.

    Source: L. N. Smith, N. Topin, "Super-Convergence", 2018 (the cycle); I. Loshchilov, F. Hutter, "Decoupled
    Weight Decay Regularization", 2019 (AdamW).
    """

    epochs: int
    batch_size: int
    peak_learning_rate: float
    weight_decay: float
    loss: str
    augmentation: Augmentation | None = None


@dataclass(frozen=True)
class Architecture:
    """A network by name: `build` makes it afresh, untrained, for pixels scaled to 0..1.

    `build` returns a `keras.Model` from ``float32 (n, 28, 28[, 1])`` to ten scores ``float32 (n, 10)``.
    """

    name: str
    summary: str
    build: Callable[[], keras.Model]
    recipe: Recipe


def architecture(name: str) -> Architecture:
    """Return the architecture called `name`.

    Raises
    ------
    UsageError
        If the table has no such row.

    Examples
    --------
    >>> architecture("mlp").summary
    'two hidden layers, 128 and 64 wide'
    """
    if name not in ARCHITECTURES:
        raise UsageError(f"Expected an architecture ({', '.join(ARCHITECTURES)}), received {name!r}.")
    found: Architecture = pkgutil.resolve_name(ARCHITECTURES[name])
    return found
