"""`Architecture` and the convolution block that several of them use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_trainer.recipes.recipe import Recipe

if TYPE_CHECKING:
    import keras

__all__ = ["Architecture", "Build", "convolution_block", "padding_for", "pooled"]

LARGEST_MAP = 8
"""Largest side of feature maps before they are flattened. Larger maps are pooled first, to limit the weights."""


class Build(Protocol):
    """Type of the function that builds the network of an architecture."""

    def __call__(self, task: Task = DIGITS) -> keras.Model:
        """Return a new, untrained network for the images and classes of `task`."""
        ...


@dataclass(frozen=True)
class Architecture:
    """A network architecture.

    Parameters
    ----------
    name : str
        Name of the architecture and of the models it builds.
    summary : str
        One-line description for help texts.
    build : Build
        Build a new, untrained `keras.Model` for a task, by default for digits. Input: pixels scaled to 0..1, float32
        (n, h, w, c), (n, h, w) or (n, h * w * c). Output: a score for each class, float32 (n, k).
    recipe : Recipe
        Default settings of its training.
    """

    name: str
    summary: str
    build: Build
    recipe: Recipe


def convolution_block(
    number: int,
    filters: int,
    size: int,
    *,
    strides: int = 1,
    padding: str = "valid",
    dilation: int = 1,
    momentum: float = 0.99,
) -> list[keras.Layer]:
    """Build a convolution without bias, a batch normalization and a ReLU.

    Parameters
    ----------
    number : int
        Number of the block, from 1. The layers are called ``conv1``, ``norm1`` and ``relu1``.
    filters, size, strides, padding, dilation
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
            dilation_rate=dilation,
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"conv{number}",
        ),
        layers.BatchNormalization(momentum=momentum, name=f"norm{number}"),
        layers.ReLU(name=f"relu{number}"),
    ]


def padding_for(task: Task, least: int) -> str:
    """Return the padding of the convolutions: ``"valid"`` if each side has at least `least` pixels, else ``"same"``.

    Without padding, smaller images would shrink to nothing before the last layer.

    Examples
    --------
    >>> padding_for(DIGITS, 24), padding_for(Task(32, 20, 3), 24)
    ('valid', 'same')
    """
    return "valid" if min(task.height, task.width) >= least else "same"


def pooled(layers_before: list[keras.Layer], task: Task) -> list[keras.Layer]:
    """Append pooling layers until the feature maps have at most 8 pixels per side.

    Parameters
    ----------
    layers_before : list of keras.Layer
        Layers that turn images of `task` into feature maps.
    task : Task
        The size and channels of the images are read from it.

    Returns
    -------
    list of keras.Layer
        `layers_before`, followed by the pooling layers.
    """
    from keras import layers

    height, width = task.height, task.width
    for layer in layers_before:
        strides = getattr(layer, "strides", 1)
        size = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
        if size is None:
            continue
        gaps = getattr(layer, "dilation_rate", (1, 1))
        size = [1 + (length - 1) * gap for length, gap in zip(size, gaps, strict=True)]
        down, right = (strides, strides) if isinstance(strides, int) else strides
        if layer.padding == "same":
            height, width = -(-height // down), -(-width // right)
        else:
            height, width = (height - size[0]) // down + 1, (width - size[1]) // right + 1
    more: list[keras.Layer] = []
    while max(height, width) > LARGEST_MAP:
        more.append(layers.MaxPooling2D(padding="same", name=f"reduce{len(more) + 1}"))
        height, width = -(-height // 2), -(-width // 2)
    return [*layers_before, *more]
