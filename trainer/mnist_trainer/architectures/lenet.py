"""`lenet`: LeNet-5, with today's activations and pooling.

Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
Proceedings of the IEEE 86(11), 1998. Differences: ReLU instead of tanh, maximum instead of average pooling, a softmax
instead of radial basis functions, and each map of the second convolution uses all maps of the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_trainer.architectures.base import Architecture, padding_for, pooled
from mnist_trainer.recipes.recipe import TUTORIAL

if TYPE_CHECKING:
    import keras

__all__ = ["LENET"]


def build_lenet(task: Task = DIGITS) -> keras.Model:
    """Build the network: float32 (n, h, w, c) to a probability for each class of `task`."""
    import keras
    from keras import layers

    body = [
        layers.Conv2D(6, 5, padding="same", activation="relu", name="conv1"),
        layers.MaxPooling2D(name="pool1"),
        layers.Conv2D(16, 5, padding=padding_for(task, 12), activation="relu", name="conv2"),
        layers.MaxPooling2D(name="pool2"),
    ]
    return keras.Sequential(
        [
            keras.Input(task.tensor_shape, name="pixels"),
            *pooled(body, task),
            layers.Flatten(name="flatten"),
            layers.Dense(120, activation="relu", name="hidden1"),
            layers.Dense(84, activation="relu", name="hidden2"),
            layers.Dense(len(task.labels), activation="softmax", name="scores"),
        ],
        name="lenet",
    )


LENET = Architecture(
    name="lenet",
    summary="LeNet-5 with ReLU and max-pooling: two convolutions, three dense layers",
    build=build_lenet,
    recipe=TUTORIAL,
)
