"""Count the multiplications of a model."""

from __future__ import annotations

import math

import keras

__all__ = ["macs"]


def macs(model: keras.Model) -> int:
    """Return the number of multiply-accumulate operations for one image in the dense and convolution layers of `model`.

    As usual, other layers are not counted. An export merges batch normalization into the convolutions.

    Examples
    --------
    >>> from mnist_trainer.model_io.load import load_model
    >>> macs(load_model("mlp")) == 784 * 128 + 128 * 64 + 64 * 10
    True
    """
    total = 0
    for layer in model.layers:
        if isinstance(layer, (keras.layers.Dense, keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
            positions = layer.output.shape[1:-1]
            total += math.prod(layer.kernel.shape) * math.prod(positions)
    return total
