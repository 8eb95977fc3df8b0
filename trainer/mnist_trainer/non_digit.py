"""`NON_DIGITS`: pictures that show no digit, of which a classifier should not be sure.

No picture of these kinds is used in training, so that the figures tell of pictures the like of which a model has never
seen.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["NON_DIGITS", "NonDigit"]

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class NonDigit:
    """One row of `NON_DIGITS`.

    Parameters
    ----------
    summary : str
        What is seen, for people.
    make : str
        ``"module:attribute"`` of a function from a number and a random generator to that many pictures.
    """

    summary: str
    make: str

    def __call__(self, count: int, seed: int) -> Pixels:
        """Return `count` pictures, uint8 (count, 28, 28), as `seed` says.

        Examples
        --------
        >>> NON_DIGITS["letters"](3, seed=0).shape
        (3, 28, 28)
        """
        make: Callable[[int, np.random.Generator], Pixels] = pkgutil.resolve_name(f"mnist_trainer.{self.make}")
        return make(count, np.random.default_rng(seed))


NON_DIGITS: dict[str, NonDigit] = {
    "letters": NonDigit("printed letters and signs, turned, brought to MNIST form", "non_digit_kinds:letters"),
    "pairs": NonDigit("two letters side by side, brought to MNIST form", "non_digit_kinds:pairs"),
    "photographs": NonDigit("pieces of two photographs (scikit-learn's)", "non_digit_kinds:photographs"),
    "outlines": NonDigit("outlines of things in such pieces, white on black", "non_digit_kinds:outlines"),
}
"""Name -> kind. A new one is one function and one row."""
