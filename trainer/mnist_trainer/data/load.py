"""`load_data`: a data set by name or path."""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path

from mnist_trainer.data.dataset import Splits
from mnist_trainer.errors import DataError, UsageError

__all__ = ["DATASETS", "load_data"]

DATASETS: dict[str, str] = {
    "mnist": "mnist_trainer.data.mnist:load",
    "digits": "mnist_trainer.data.sklearn_digits:load",
}
"""Name -> ``"module:attribute"`` of a function that loads it."""


def load_data(source: str = "auto") -> Splits:
    """Load a data set.

    Parameters
    ----------
    source : str
        A row of `DATASETS`; ``"auto"`` for MNIST where it can be had, else the digits, which is said on stderr; or
        the path of an ``.npz`` file or a folder of pictures, see `mnist_trainer.data.user_files`.

    Raises
    ------
    DataError
        If it is missing, damaged or unsuitable. Where ``MNIST_DIR`` is set or Keras holds a copy, ``"auto"`` does
        not pass over a damaged MNIST.
    UsageError
        If it is neither a name nor an existing path.

    Examples
    --------
    >>> load_data("digits").test.name
    'digits'
    """
    if source == "auto":
        return _auto()
    if source in DATASETS:
        return _load(source)
    from mnist_trainer.data import user_files

    path = Path(source)
    if not path.exists() and not path.suffix and len(path.parts) == 1:
        raise UsageError(
            f"Expected a data set (auto, {', '.join(DATASETS)}) or the path of one, received {source!r}, which is "
            "neither."
        )
    return user_files.load(path)


def _load(name: str) -> Splits:
    load: Callable[[], Splits] = pkgutil.resolve_name(DATASETS[name])
    return load()


def _auto() -> Splits:
    from mnist_trainer.data import mnist

    at_hand = mnist.at_hand()
    try:
        return mnist.load()
    except DataError as error:
        if at_hand:
            raise
        print(
            f"note: MNIST cannot be had here, so the 1,797 digits of scikit-learn stand in for it. {error}",
            file=sys.stderr,
        )
        return _load("digits")
