"""base."""

from __future__ import annotations

from typing import Any, Protocol

import numpy.typing as npt

from mnist_runtime.backends.quantization import QuantParams

__all__ = ["Backend"]


class Backend(Protocol):
    """An interpreter with one model loaded. It runs tensors and knows nothing of pictures or labels."""

    @property
    def output(self) -> QuantParams | None:
        """What the integers of the scores stand for; None when they are real numbers already."""
        ...

    def run(self, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the scores ``(n, 10)``, as the file gives them, for `pixels` ``(n, 28, 28, 1)`` as it takes them."""
        ...
