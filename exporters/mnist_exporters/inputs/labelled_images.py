"""`LabelledImages`: the part of a data set that the exporters use."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["LabelledImages"]


class LabelledImages(Protocol):
    """A data set, such as `mnist_trainer.Dataset`."""

    @property
    def name(self) -> str:
        """Name in reports."""
        ...

    @property
    def images(self) -> npt.NDArray[np.uint8]:
        """Pixels 0..255, white on black, shape (n, 28, 28)."""
        ...

    @property
    def labels(self) -> npt.NDArray[np.uint8]:
        """Digits 0..9, shape (n,)."""
        ...
