"""`macs`: how many multiplications, each with an addition, a model makes for one image."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

__all__ = ["macs"]


def macs(model: keras.Model) -> int:
    """Return the multiply-accumulate operations of the dense and convolution layers of `model` for one image.

    The rest is left out, as is usual: batch normalisations become part of the convolutions in an export.

    Examples
    --------
    >>> from mnist_trainer.model_io.load import load_model
    >>> macs(load_model("mlp")) == 784 * 128 + 128 * 64 + 64 * 10
    True
    """
    import keras

    total = 0
    for layer in model.layers:
        if isinstance(layer, (keras.layers.Dense, keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
            positions = layer.output.shape[1:-1]
            total += math.prod(layer.kernel.shape) * math.prod(positions)
    return total
