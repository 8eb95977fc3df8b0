"""`with_integer_operators`: compute normalizations that depend on the image with operators that have integers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

__all__ = ["is_norm", "with_integer_operators"]

KINDS = (keras.layers.LayerNormalization, keras.layers.GroupNormalization, keras.layers.RMSNormalization)


def is_norm(layer: Any) -> bool:
    """Return whether `with_integer_operators` can replace `layer`.

    Examples
    --------
    >>> is_norm(keras.layers.LayerNormalization()), is_norm(keras.layers.BatchNormalization())
    (True, False)
    """
    if type(layer) not in KINDS or getattr(layer, "rms_scaling", False):
        return False
    return type(layer) is not keras.layers.GroupNormalization or layer.axis == -1


def with_integer_operators(norm: keras.layers.Layer) -> keras.layers.Layer:
    """Return a layer that computes the same from means, products and a reciprocal root, and uses the same weights.

    Keras's layers need ``SQUARE`` and ``NEG``, which TFLite has in float32 only.

    Parameters
    ----------
    norm : keras.layers.Layer
        A layer for which `is_norm` is true.
    """
    return _IntegerNorm(norm)


class _IntegerNorm(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    def __init__(self, norm: keras.layers.Layer) -> None:
        super().__init__(name=norm.name, dtype=norm.dtype_policy)
        self._norm = norm

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if not self._norm.built:
            self._norm.build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        norm, sides = self._norm, tuple(inputs.shape[1:])
        if None in sides:
            return norm(inputs)
        if isinstance(norm, keras.layers.RMSNormalization):
            axes = _axes(norm.axis, inputs)
            return inputs * _reciprocal_root(inputs, axes, norm) * _weights(norm.scale, axes, inputs)
        if isinstance(norm, keras.layers.LayerNormalization):
            axes = _axes(norm.axis, inputs)
            normed = _normed(inputs, axes, norm)
        else:
            channels = sides[-1]
            groups = tf.reshape(inputs, (-1, math.prod(sides[:-1]), norm.groups, channels // norm.groups))
            axes = [inputs.shape.rank - 1]
            normed = tf.reshape(_normed(groups, [1, 3], norm), (-1, *sides))
        if norm.gamma is not None:
            normed = normed * _weights(norm.gamma, axes, inputs)
        return normed if norm.beta is None else normed + _weights(norm.beta, axes, inputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape


def _axes(given: int | Sequence[int], inputs: tf.Tensor) -> list[int]:
    rank = inputs.shape.rank
    return sorted(axis % rank for axis in ([given] if isinstance(given, int) else given))


def _weights(values: Any, axes: list[int], inputs: tf.Tensor) -> tf.Tensor:
    """Return the weights of a layer in the shape in which they are multiplied with its inputs."""
    shape = [side if axis in axes else 1 for axis, side in enumerate(inputs.shape)]
    return tf.reshape(tf.convert_to_tensor(values), shape)


def _normed(values: tf.Tensor, axes: list[int], norm: keras.layers.Layer) -> tf.Tensor:
    """Return `values` with mean 0 and deviation 1 along `axes`."""
    centered = values - tf.reduce_mean(values, axes, keepdims=True)
    return centered * _reciprocal_root(centered, axes, norm)


def _reciprocal_root(values: tf.Tensor, axes: list[int], norm: keras.layers.Layer) -> tf.Tensor:
    """Return the reciprocal root of the mean square along `axes`."""
    return tf.math.rsqrt(tf.reduce_mean(values * values, axes, keepdims=True) + norm.epsilon)
