"""`Architecture`: a network with a name and the recipe that trains it; and the table of them all."""

from __future__ import annotations

import pkgutil

from mnist_trainer.architectures.base import Architecture
from mnist_trainer.errors import UsageError

__all__ = ["ARCHITECTURES", "architecture"]


ARCHITECTURES: dict[str, str] = {
    "linear": "mnist_trainer.architectures.dense:LINEAR",
    "dense-100": "mnist_trainer.architectures.dense:DENSE_100",
    "flatten-100": "mnist_trainer.architectures.dense:FLATTEN_100",
    "dense-1000": "mnist_trainer.architectures.dense:DENSE_1000",
    "mlp": "mnist_trainer.architectures.dense:MLP",
    "lenet": "mnist_trainer.architectures.lenet:LENET",
    "strided": "mnist_trainer.architectures.strided:STRIDED",
    "tiny": "mnist_trainer.architectures.cnn:TINY",
    "cnn": "mnist_trainer.architectures.cnn:CNN",
    "accurate": "mnist_trainer.architectures.accurate:ACCURATE",
}
"""Name -> ``"module:attribute"``; reading the table imports nothing. A new architecture is one module, one row."""


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
