"""Compare the scores of the same images from two machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.device.self_test import SCORE_BOUNDS

__all__ = ["Comparison", "bound"]

INTEGER_BOUNDS = {"onnxruntime": 0.0, "numpy": 0.0, "tflite-runtime": 0.0}
"""Backend -> largest difference allowed for an int8 score; `SCORE_BOUNDS` applies to the others.

These backends give the same integers on every processor. For tflite-runtime this holds for one image at a time, which
is how the runtime calls it. LiteRT's scores differ between processors, because XNNPACK has different kernels for each.
"""


def bound(backend: str, precision: str) -> float:
    """Return the largest difference allowed for a score 0..1."""
    general = SCORE_BOUNDS[precision]
    return INTEGER_BOUNDS.get(backend, general) if precision == "int8" else general


@dataclass(frozen=True)
class Comparison:
    """Result of the comparison for one file.

    Parameters
    ----------
    images : int
        Number of images compared.
    differing : int
        Number of images with any difference.
    largest : float
        Largest difference of a score, 0..1; infinite if a score is NaN.
    changed : int
        Number of images with a different answer, although the host's two best scores differ by more than `bound`.
    bound : float
        Largest difference allowed.
    """

    images: int
    differing: int
    largest: float
    changed: int
    bound: float

    @classmethod
    def of(cls, host: npt.NDArray[Any], guest: npt.NDArray[Any], bound: float) -> Comparison:
        """Compare scores 0..1 of shape ``(n, 10)``."""
        if host.shape != guest.shape:
            return cls(len(host), len(host), np.inf, len(host), bound)
        difference = np.abs(host.astype(np.float64) - guest.astype(np.float64))
        best = np.sort(host, axis=1)
        clear = best[:, -1] - best[:, -2] > bound
        return cls(
            images=len(host),
            differing=int(np.sum((difference != 0).any(axis=1))),
            largest=float(np.nan_to_num(difference, nan=np.inf).max(initial=0.0)),
            changed=int(np.sum(clear & (host.argmax(axis=1) != guest.argmax(axis=1)))),
            bound=bound,
        )

    @property
    def passed(self) -> bool:
        """Whether all differences are within the bound and no clear answer changed."""
        return self.images > 0 and self.largest <= self.bound and self.changed == 0

    def __str__(self) -> str:
        if self.differing == 0:
            return f"all {self.images} identical"
        changed = f", {self.changed} digits changed" if self.changed else ""
        return (
            f"{self.differing} of {self.images} differ by at most {self.largest:.2g} (bound {self.bound:.2g}){changed}"
        )
