"""Small networks that together contain every operator of the NumPy backend."""

import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tests.shared.backend_cases import random_images

from mnist_exporters.formats.tflite.rewrites import with_integer_input
from mnist_exporters.inputs.keras_graph.dilated import without_batches
from mnist_runtime import QuantParams


def strided(x: Any) -> Any:
    """Return the output of strided convolutions."""
    x = keras.layers.Conv2D(7, (3, 5), strides=(2, 3), padding="same", activation="relu6")(x)
    x = keras.layers.Conv2D(9, 3, strides=2)(x)
    x = keras.layers.Conv2D(8, 1, activation="relu")(x)
    return keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(x))


def dilated(x: Any) -> Any:
    """Return the output of convolutions whose windows have gaps, each computed on the whole image."""
    x = without_batches(keras.layers.Conv2D(6, 3, dilation_rate=2, padding="same", activation="relu"))(x)
    x = without_batches(keras.layers.Conv2D(8, (2, 3), dilation_rate=(3, 2)))(x)
    x = without_batches(keras.layers.DepthwiseConv2D(3, dilation_rate=2, depth_multiplier=2, padding="same"))(x)
    x = without_batches(keras.layers.Conv2D(5, (3, 2), dilation_rate=(1, 4), padding="same", use_bias=False))(x)
    x = without_batches(keras.layers.SeparableConv2D(6, 2, dilation_rate=3, activation="relu"))(x)
    return keras.layers.Dense(10)(keras.layers.GlobalAveragePooling2D()(x))


def depthwise(x: Any) -> Any:
    """Return the output of depthwise convolutions, an addition and average pooling."""
    x = keras.layers.Conv2D(6, 3, strides=2, padding="same")(x)
    branch = keras.layers.DepthwiseConv2D(3, padding="same", activation="relu")(x)
    x = keras.layers.Add()([x, keras.layers.Conv2D(6, 1)(branch)])
    x = keras.layers.DepthwiseConv2D((5, 4), strides=2, depth_multiplier=2)(x)
    x = keras.layers.AveragePooling2D(3, strides=2, padding="same")(x)
    return keras.layers.Dense(10)(keras.layers.GlobalAveragePooling2D()(x))


def gated(x: Any) -> Any:
    """Return the output of padding, pooling and a multiplication."""
    x = keras.layers.ReLU()(keras.layers.ZeroPadding2D(((1, 2), (0, 3)))(keras.layers.Conv2D(5, 3)(x)))
    x = keras.layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = keras.layers.Multiply()([x, keras.layers.Conv2D(5, 1, activation="sigmoid")(x)])
    x = keras.layers.AveragePooling2D((2, 3))(x)
    x = keras.layers.ReLU(max_value=6)(keras.layers.ZeroPadding2D(1)(x))
    return keras.layers.Dense(10, activation="sigmoid")(keras.layers.Flatten()(x))


def per_pixel(x: Any) -> Any:
    """Return the output of a dense layer on each pixel, concatenation and pooling."""
    x = keras.layers.Conv2D(4, 3, strides=3, use_bias=False)(x)
    x = keras.layers.Concatenate()([x, keras.layers.Dense(6, use_bias=False, activation="relu")(x)])
    x = keras.layers.DepthwiseConv2D(3, use_bias=False)(x)
    return keras.layers.Dense(10, use_bias=False)(keras.layers.Flatten()(keras.layers.MaxPooling2D(2)(x)))


NETWORKS = {
    "per_pixel": (per_pixel, "CONCATENATION GATHER REDUCE_PROD"),
    "strided": (strided, "CONV_2D FULLY_CONNECTED PACK QUANTIZE RESHAPE SHAPE SOFTMAX STRIDED_SLICE"),
    "dilated": (dilated, "CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED MEAN"),
    "depthwise": (depthwise, "ADD AVERAGE_POOL_2D CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED MEAN"),
    "gated": (gated, "AVERAGE_POOL_2D LOGISTIC MAX_POOL_2D MUL PAD RELU RELU6"),
}
"""Name -> network, and operators that its file contains."""


def converted(
    network: Callable[[Any], Any],
    *,
    real_output: bool = False,
    per_channel: bool = True,
    shape: tuple[int, ...] = (28, 28, 1),
) -> bytes:
    """Return a network with random weights as an int8 ``.tflite`` file.

    Parameters
    ----------
    network : callable
        A function of this module, from the input to the output of the network.
    real_output : bool
        Whether the scores are float32 instead of uint8.
    per_channel : bool
        Whether each output channel of a convolution has its own scale.
    shape : tuple of int
        Shape of an image.
    """
    converter = _converter(network, shape)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.float32 if real_output else tf.uint8
    converter._experimental_disable_per_channel = not per_channel
    return _run(converter)


def converted_wide(network: Callable[[Any], Any]) -> bytes:
    """Return a network with random weights as an int16x8 ``.tflite`` file, which takes bytes and gives int16."""
    converter = _converter(network)
    operators = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    converter.target_spec.supported_ops = [operators]
    converter.inference_output_type = tf.int16
    return with_integer_input(_run(converter), QuantParams(1 / 255, 0, "uint8"))


def _converter(network: Callable[[Any], Any], shape: tuple[int, ...] = (28, 28, 1)) -> Any:
    keras.utils.set_random_seed(1)
    image = keras.Input(shape)
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(image, network(image)))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([each[None] / np.float32(255)] for each in random_images(50, shape))
    return converter


def _run(converter: Any) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that the input has no statistics
        return converter.convert()
