"""`as_sum_and_product`: compute a `Normalization` with operators that every format has."""

from __future__ import annotations

from typing import Any

import keras

__all__ = ["as_sum_and_product", "is_normalization"]


def is_normalization(layer: Any) -> bool:
    """Return whether `layer` subtracts a known mean and divides by a known deviation, as `Normalization` does.

    Examples
    --------
    >>> layer = keras.layers.Normalization(axis=None, mean=33.3, variance=6000.0)
    >>> layer.build((None, 28, 28, 1))
    >>> is_normalization(layer), is_normalization(keras.layers.ReLU())
    (True, False)
    """
    return type(layer) is keras.layers.Normalization and not layer.invert and layer.built and layer.mean is not None


def as_sum_and_product(normalization: keras.layers.Normalization) -> keras.layers.Layer:
    """Return a layer that adds the negative mean, and multiplies with the reciprocal of the deviation.

    Keras subtracts and divides, and the C code and the NumPy engine of the runtime have neither operator.

    Parameters
    ----------
    normalization : keras.layers.Normalization
        A layer for which `is_normalization` is true.
    """
    return _SumAndProduct(normalization)


class _SumAndProduct(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    def __init__(self, normalization: keras.layers.Normalization) -> None:
        super().__init__(name=normalization.name, dtype=normalization.dtype_policy)
        deviation = keras.ops.maximum(keras.ops.sqrt(normalization.variance), keras.config.epsilon())
        self._shift = keras.ops.convert_to_numpy(-normalization.mean)
        self._factor = keras.ops.convert_to_numpy(1 / deviation)

    def call(self, inputs: Any) -> Any:
        return (keras.ops.cast(inputs, self.compute_dtype) + self._shift) * self._factor

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape
