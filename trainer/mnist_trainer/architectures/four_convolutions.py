"""`four_convolutions`: the network of `tiny` and of `cnn`, in any width."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

__all__ = ["four_convolutions"]


def four_convolutions(name: str, filters: tuple[int, int, int, int], *, lean: bool) -> keras.Model:
    """Build the network: ``(n, 28, 28, 1)`` to ten probabilities.

    Parameters
    ----------
    name : str
        Of the model.
    filters : tuple of int
        Of each convolution.
    lean : bool
        Whether to spare time and bytes: the first convolution strides, where else a pooling leaves the others a quarter
        of its places; and a score weighs the mean of the last four places, where else each of them for itself.
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

    first = convolution(1, size=5, stride=2) if lean else [*convolution(1, size=5), layers.MaxPooling2D(name="pool1")]
    last = layers.GlobalAveragePooling2D(name="pool4") if lean else layers.Flatten(name="flatten")
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="pixels"),
            *first,
            *convolution(2),
            *convolution(3),
            layers.MaxPooling2D(name="pool3"),
            *convolution(4),
            last,
            layers.Dense(10, activation="softmax", name="scores"),
        ],
        name=name,
    )
