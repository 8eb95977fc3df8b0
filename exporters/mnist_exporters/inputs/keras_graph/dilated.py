"""`without_batches`: compute a dilated convolution as one operator."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

__all__ = ["is_dilated", "without_batches"]


KINDS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)


def is_dilated(layer: Any) -> bool:
    """Return whether `without_batches` can replace `layer`: a dilated convolution without groups, channels last.

    Examples
    --------
    >>> is_dilated(keras.layers.Conv2D(8, 3, dilation_rate=2)), is_dilated(keras.layers.Conv2D(8, 3))
    (True, False)
    """
    if type(layer) not in KINDS or max(layer.dilation_rate) == 1:
        return False
    is_ungrouped = getattr(layer, "groups", 1) == 1
    return bool(is_ungrouped and layer.data_format == "channels_last")


def without_batches(convolution: keras.layers.Layer) -> keras.layers.Layer:
    """Return a layer that computes a dilated convolution on the whole image, and uses the same weights.

    Keras splits the image into a batch of smaller images, convolves these, and joins the results. TFLite then needs
    three operators, cannot fuse a batch normalization, and is slower. Here, a convolution is one operator, and a
    separable convolution two.

    Parameters
    ----------
    convolution : keras.layers.Layer
        A layer for which `is_dilated` is true.
    """
    return _Dilated(convolution)


class _Dilated(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    def __init__(self, convolution: keras.layers.Layer) -> None:
        super().__init__(name=convolution.name, dtype=convolution.dtype_policy)
        self._convolution = convolution

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if not self._convolution.built:
            self._convolution.build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        layer = self._convolution
        settings = {"padding": layer.padding.upper(), "dilations": [1, *layer.dilation_rate, 1]}
        if isinstance(layer, keras.layers.Conv2D):
            outputs = tf.nn.conv2d(inputs, tf.convert_to_tensor(layer.kernel), layer.strides, **settings)
        else:
            is_separable = isinstance(layer, keras.layers.SeparableConv2D)
            kernel = tf.convert_to_tensor(layer.depthwise_kernel if is_separable else layer.kernel)
            steps = [1, *layer.strides, 1]
            if tf.executing_eagerly():  # TensorFlow without oneDNN cannot run the operator below
                rates = layer.dilation_rate
                outputs = tf.nn.depthwise_conv2d(inputs, kernel, steps, settings["padding"], dilations=rates)
            else:
                outputs = tf.raw_ops.DepthwiseConv2dNative(input=inputs, filter=kernel, strides=steps, **settings)
            if is_separable:
                outputs = tf.nn.conv2d(outputs, tf.convert_to_tensor(layer.pointwise_kernel), 1, "VALID")
        if layer.use_bias:
            outputs = tf.nn.bias_add(outputs, tf.convert_to_tensor(layer.bias))
        return outputs if layer.activation is None else layer.activation(outputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        shape: tuple[int | None, ...] = self._convolution.compute_output_shape(input_shape)
        return shape
