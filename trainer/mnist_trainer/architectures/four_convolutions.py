"""`four_convolutions`: the network of `tiny` and of `cnn`, in any width."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

__all__ = ["four_convolutions"]


def four_convolutions(name: str, filters: tuple[int, int, int, int]) -> keras.Model:
    """Build the network: ``(n, 28, 28, 1)`` to ten probabilities.

    The first convolution strides, so that the others see a quarter of the pixels: its filters for 25 pixels lose
    little, and a step takes a third of the time of a network that begins at full resolution.

    Parameters
    ----------
    name : str
        Of the model.
    filters : tuple of int
        Of each convolution.
    """
    import keras
    from keras import layers

    def convolution(number: int, size: int = 3, stride: int = 1) -> list[keras.Layer]:
        width = filters[number - 1]
        return [
            layers.Conv2D(
                width, size, strides=stride, use_bias=False, kernel_initializer="he_normal", name=f"conv{number}"
            ),
            layers.BatchNormalization(name=f"norm{number}"),
            layers.ReLU(name=f"relu{number}"),
        ]

    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="pixels"),
            *convolution(1, size=5, stride=2),
            *convolution(2),
            *convolution(3),
            layers.MaxPooling2D(name="pool3"),
            *convolution(4),
            layers.GlobalAveragePooling2D(name="pool4"),
            layers.Dense(10, activation="softmax", name="scores"),
        ],
        name=name,
    )
