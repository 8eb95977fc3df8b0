"""`lenet`: LeNet-5, with today's activations and pooling.

Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
Proceedings of the IEEE 86(11), 1998. Differences: ReLU instead of tanh, maximum instead of average pooling, a softmax
instead of radial basis functions, and each map of the second convolution uses all maps of the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_trainer.architectures.base import Architecture
from mnist_trainer.recipes.recipe import TUTORIAL

if TYPE_CHECKING:
    import keras

__all__ = ["LENET"]


def build_lenet() -> keras.Model:
    """Build the network: float32 (n, 28, 28, 1) to ten probabilities."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="pixels"),
            layers.Conv2D(6, 5, padding="same", activation="relu", name="conv1"),
            layers.MaxPooling2D(name="pool1"),
            layers.Conv2D(16, 5, activation="relu", name="conv2"),
            layers.MaxPooling2D(name="pool2"),
            layers.Flatten(name="flatten"),
            layers.Dense(120, activation="relu", name="hidden1"),
            layers.Dense(84, activation="relu", name="hidden2"),
            layers.Dense(10, activation="softmax", name="scores"),
        ],
        name="lenet",
    )


LENET = Architecture(
    name="lenet",
    summary="LeNet-5 with ReLU and max-pooling: two convolutions, three dense layers",
    build=build_lenet,
    recipe=TUTORIAL,
)
