"""`Architecture` and the convolution block that several of them use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_trainer.recipes.recipe import Recipe

if TYPE_CHECKING:
    import keras

__all__ = ["Architecture", "convolution_block"]


@dataclass(frozen=True)
class Architecture:
    """A network architecture.

    Parameters
    ----------
    name : str
        Name of the architecture and of the models it builds.
    summary : str
        One-line description for help texts.
    build : callable
        Build a new, untrained `keras.Model`. Input: pixels scaled to 0..1, float32 (n, 28, 28[, 1]) or (n, 784).
        Output: ten scores, float32 (n, 10).
    recipe : Recipe
        Default settings of its training.
    """

    name: str
    summary: str
    build: Callable[[], keras.Model]
    recipe: Recipe


def convolution_block(
    number: int, filters: int, size: int, *, strides: int = 1, padding: str = "valid", momentum: float = 0.99
) -> list[keras.Layer]:
    """Build a convolution without bias, a batch normalization and a ReLU.

    Parameters
    ----------
    number : int
        Number of the block, from 1. The layers are called ``conv1``, ``norm1`` and ``relu1``.
    filters, size, strides, padding
        See `keras.layers.Conv2D`.
    momentum : float
        Momentum of the running statistics of the batch normalization.
    """
    from keras import layers

    return [
        layers.Conv2D(
            filters,
            size,
            strides=strides,
            padding=padding,
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"conv{number}",
        ),
        layers.BatchNormalization(momentum=momentum, name=f"norm{number}"),
        layers.ReLU(name=f"relu{number}"),
    ]
