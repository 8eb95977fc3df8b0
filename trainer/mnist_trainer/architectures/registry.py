"""`ARCHITECTURES`: the table of all network architectures."""

from __future__ import annotations

from mnist_trainer.architectures.accurate import ACCURATE
from mnist_trainer.architectures.base import Architecture
from mnist_trainer.architectures.cnn import CNN, TINY
from mnist_trainer.architectures.dense import DENSE_100, DENSE_1000, FLATTEN_100, LINEAR, MLP
from mnist_trainer.architectures.lenet import LENET
from mnist_trainer.architectures.strided import STRIDED
from mnist_trainer.errors import UsageError, nearest_name

__all__ = ["ARCHITECTURES", "architecture"]

ARCHITECTURES: dict[str, Architecture] = {
    row.name: row for row in (LINEAR, DENSE_100, FLATTEN_100, DENSE_1000, MLP, LENET, STRIDED, TINY, CNN, ACCURATE)
}
"""Name -> architecture, roughly in order of accuracy. To add one: write its module and add it here."""


def architecture(name: str) -> Architecture:
    """Return the architecture called `name`.

    Raises
    ------
    UsageError
        If there is no such architecture.

    Examples
    --------
    >>> architecture("mlp").summary
    'two hidden layers, 128 and 64 wide'
    """
    try:
        return ARCHITECTURES[name]
    except KeyError:
        raise UsageError(
            f"There is no architecture {name!r}.{nearest_name(name, ARCHITECTURES)} Choose one of: "
            f"{', '.join(ARCHITECTURES)}."
        ) from None
