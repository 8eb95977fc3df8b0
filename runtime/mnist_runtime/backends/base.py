"""`Backend`, the interface of interpreters, and `QuantParams`, the quantization of their scores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.task import DIGITS

__all__ = ["IMAGE", "Backend", "QuantParams", "in_words"]

IMAGE = DIGITS.tensor_shape
"""Shape of one image in the input of a model of digits."""

BYTE = np.dtype(np.uint8)


@dataclass(frozen=True)
class QuantParams:
    """Quantization parameters: ``real = scale * (integer - zero_point)``.

    Source: B. Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
    Inference", CVPR 2018, equation 1.

    Parameters
    ----------
    scale : float
        Real value of an integer step, above 0.
    zero_point : int
        Integer that means 0.0.
    dtype : str
        Integer type, such as ``"uint8"``.

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
        """Return the nearest integers; values outside the type's range saturate."""
        limits = np.iinfo(self.dtype)
        steps = np.rint(np.asarray(real, np.float64) / self.scale) + self.zero_point
        integers: npt.NDArray[Any] = np.clip(steps, limits.min, limits.max).astype(self.dtype)
        return integers

    def dequantize(self, integers: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return the real numbers, float32, of `integers`."""
        if integers.dtype == BYTE:
            return _table(self).take(integers)
        return self._real(integers)

    def _real(self, integers: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        return ((integers.astype(np.float64) - self.zero_point) * self.scale).astype(np.float32)


@lru_cache(maxsize=64)  # a cached property has a lock before Python 3.12, which a fork could leave locked
def _table(params: QuantParams) -> npt.NDArray[np.float32]:
    """Return the real number of each byte: a look-up is faster than the computation."""
    return params._real(np.arange(256, dtype=BYTE))


def in_words(shape: tuple[int, ...]) -> str:
    """Return the shape of a batch of images, for messages.

    Examples
    --------
    >>> in_words((28, 28, 1))
    '(n, 28, 28, 1)'
    """
    return f"({', '.join(map(str, ('n', *shape)))})"


class Backend(Protocol):
    """An interpreter with one model loaded. It works on tensors, not on pictures or labels."""

    @property
    def output(self) -> QuantParams | None:
        """Quantization of the scores; None if they are real numbers."""
        ...

    def run(self, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return scores ``(n, classes)`` for `pixels` ``(n, h, w, channels)``, both in the types of the model."""
        ...
