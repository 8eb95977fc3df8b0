"""`LabelledImages`: what the exporters ask of a data set, wherever it comes from."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["LabelledImages"]


class LabelledImages(Protocol):
    """Images ``uint8 (n, 28, 28)``, white on black, with labels ``uint8 (n,)`` 0..9 and a name for the report."""

    @property
    def name(self) -> str:
        """What the report calls them."""
        ...

    @property
    def images(self) -> npt.NDArray[np.uint8]:
        """Pixels 0..255, shape (n, 28, 28)."""
        ...

    @property
    def labels(self) -> npt.NDArray[np.uint8]:
        """Digits 0..9, shape (n,)."""
        ...
