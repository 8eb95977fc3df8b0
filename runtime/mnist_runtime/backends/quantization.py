"""`QuantParams`: the line between integers and the real numbers that they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["QuantParams"]

BYTE = np.dtype(np.uint8)


@dataclass(frozen=True)
class QuantParams:
    """``real = scale * (integer - zero_point)``.

    Source: B. Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
    Inference", CVPR 2018, equation 1.

    Parameters
    ----------
    scale : float
        Size of one step, above 0.
    zero_point : int
        The integer that stands for 0.0.
    dtype : str
        NumPy's name of the integer type, such as ``"uint8"``.

    Examples
    --------
    >>> pixels = QuantParams(1 / 255, 0, "uint8")
    >>> pixels.quantize(np.array([-1.0, 0.5, 2.0]))
    array([  0, 128, 255], dtype=uint8)
    >>> pixels.dequantize(np.array([0, 51, 255], np.uint8)).tolist()
    [0.0, 0.20000000298023224, 1.0]
    """

    scale: float
    zero_point: int
    dtype: str

    def quantize(self, real: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the nearest integers; what lies outside the type's range saturates, it never wraps."""
        limits = np.iinfo(self.dtype)
        steps = np.rint(np.asarray(real, np.float64) / self.scale) + self.zero_point
        integers: npt.NDArray[Any] = np.clip(steps, limits.min, limits.max).astype(self.dtype)
        return integers

    def dequantize(self, integers: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return the real numbers, float32, that `integers` stand for."""
        if integers.dtype == BYTE:
            return self._table.take(integers)
        return self._real(integers)

    def _real(self, integers: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        return ((integers.astype(np.float64) - self.zero_point) * self.scale).astype(np.float32)

    @cached_property
    def _table(self) -> npt.NDArray[np.float32]:
        """What each byte stands for: looking ten scores up takes a fraction of the time of computing them."""
        return self._real(np.arange(256, dtype=BYTE))
