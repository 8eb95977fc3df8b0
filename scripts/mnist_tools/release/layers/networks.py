"""`LAYERS`: one small network for each layer of Keras that a digit model may have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

__all__ = ["LAYERS", "network"]

Part = Callable[[Any], Any]


def _steps(layer: Any) -> Part:
    """Return a part of a network that calls `layer` with a sequence of seven steps of 42 values."""
    return lambda x: layer(layers.Reshape((7, 42))(x))


def _activated(activation: Any) -> Part:
    convolution: Part = layers.Conv2D(8, 1, activation=activation)
    return convolution


def _twice(layer: Any) -> Part:
    """Return a part of a network that calls `layer` with two inputs: two convolutions of the same tensor."""
    return lambda x: layer([layers.Conv2D(6, 1)(x), layers.Conv2D(6, 1)(x)])


def _attention(x: Any) -> Any:
    steps = layers.Reshape((7, 42))(x)
    return layers.Attention()([steps, layers.Dense(42)(steps)])


def _heads(x: Any) -> Any:
    steps = layers.Dense(16)(layers.Reshape((7, 42))(x))
    return layers.MultiHeadAttention(2, 8)(steps, steps)


LAYERS: dict[str, Callable[[], Part]] = {
    "Dense": lambda: lambda x: layers.Dense(32)(layers.Flatten()(x)),
    "Conv1D": lambda: _steps(layers.Conv1D(8, 3)),
    "Conv2D": lambda: layers.Conv2D(8, 3),
    "Conv2D, dilated": lambda: layers.Conv2D(8, 3, dilation_rate=2),
    "Conv2D, in groups": lambda: layers.Conv2D(8, 3, groups=2),
    "Conv2DTranspose": lambda: layers.Conv2DTranspose(4, 3),
    "DepthwiseConv2D": lambda: layers.DepthwiseConv2D(3),
    "DepthwiseConv2D, dilated": lambda: layers.DepthwiseConv2D(3, dilation_rate=2),
    "SeparableConv2D": lambda: layers.SeparableConv2D(8, 3),
    "SeparableConv2D, dilated": lambda: layers.SeparableConv2D(8, 3, dilation_rate=2),
    "MaxPooling2D": lambda: layers.MaxPooling2D(2),
    "AveragePooling2D": lambda: layers.AveragePooling2D(2),
    "GlobalMaxPooling2D": lambda: lambda x: layers.GlobalMaxPooling2D()(layers.Conv2D(32, 3, activation="relu")(x)),
    "GlobalAveragePooling2D": lambda: (
        lambda x: layers.GlobalAveragePooling2D()(layers.Conv2D(32, 3, activation="relu")(x))
    ),
    "Flatten": layers.Flatten,
    "Reshape": lambda: layers.Reshape((49, 6)),
    "Permute": lambda: layers.Permute((2, 1, 3)),
    "ZeroPadding2D": lambda: layers.ZeroPadding2D(1),
    "Cropping2D": lambda: layers.Cropping2D(1),
    "UpSampling2D": lambda: layers.UpSampling2D(2),
    "Resizing": lambda: layers.Resizing(5, 5),
    "Add": lambda: _twice(layers.Add()),
    "Subtract": lambda: _twice(layers.Subtract()),
    "Multiply": lambda: _twice(layers.Multiply()),
    "Average": lambda: _twice(layers.Average()),
    "Maximum": lambda: _twice(layers.Maximum()),
    "Concatenate": lambda: _twice(layers.Concatenate()),
    "BatchNormalization": layers.BatchNormalization,
    "LayerNormalization": layers.LayerNormalization,
    "GroupNormalization": lambda: layers.GroupNormalization(2),
    "RMSNormalization": layers.RMSNormalization,
    "UnitNormalization": layers.UnitNormalization,
    "Rescaling": lambda: layers.Rescaling(2.0, offset=-0.5),
    "Dropout": lambda: layers.Dropout(0.1),
    "RandomRotation": lambda: layers.RandomRotation(0.02),
    "ReLU": lambda: layers.ReLU(max_value=6),
    "LeakyReLU": layers.LeakyReLU,
    # A convolution comes before it, because the converter would translate it differently right after a ReLU.
    "PReLU": lambda: lambda x: layers.PReLU()(layers.Conv2D(6, 1)(x)),
    "ELU": layers.ELU,
    "activation gelu": lambda: _activated("gelu"),
    "activation mish": lambda: _activated("mish"),
    "activation selu": lambda: _activated("selu"),
    "activation sigmoid": lambda: _activated("sigmoid"),
    "activation silu": lambda: _activated("silu"),
    "activation softplus": lambda: _activated("softplus"),
    "activation tanh": lambda: _activated("tanh"),
    "SimpleRNN": lambda: _steps(layers.SimpleRNN(16)),
    "GRU": lambda: _steps(layers.GRU(16)),
    "LSTM": lambda: _steps(layers.LSTM(16)),
    "Bidirectional": lambda: _steps(layers.Bidirectional(layers.LSTM(8))),
    "TimeDistributed": lambda: _steps(layers.TimeDistributed(layers.Dense(8))),
    "ConvLSTM2D": lambda: lambda x: layers.ConvLSTM2D(4, 3)(layers.Reshape((2, 7, 7, 3))(x)),
    "Attention": lambda: _attention,
    "MultiHeadAttention": lambda: _heads,
}
"""Row of the page -> function that returns the part of the network with the layer."""


def network(name: str) -> keras.Model:
    """Return an untrained network from (28, 28, 1) to ten scores, with the layer of the row `name` in the middle."""
    keras.utils.set_random_seed(0)
    pixels = keras.Input((28, 28, 1))
    x = layers.Conv2D(6, 5, strides=4, padding="same", activation="relu", name="first")(pixels)
    x = layers.Flatten(name="flat")(LAYERS[name]()(x))
    x = layers.Dense(24, activation="relu", name="hidden")(x)
    return keras.Model(pixels, layers.Dense(10, activation="softmax", name="last")(x))
