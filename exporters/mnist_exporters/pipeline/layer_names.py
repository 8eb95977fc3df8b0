"""`layer_names`: find the Keras layer from which each operator of a converted model comes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from mnist_exporters.formats.contents import Layer

__all__ = ["layer_names"]


def layer_names(model: Any, layers: tuple[Layer, ...]) -> tuple[str, ...]:
    """Return a name for each of `layers`.

    Converters fuse and rename layers, but keep the weights and their order. If the numbers of weights agree for all
    layers, each one gets the name of the Keras layer at the same position. Otherwise the name is the operator with its
    position, counted from 1.

    Parameters
    ----------
    model : keras.Model
        The original.
    layers : tuple of Layer
        From the `Contents` of the converted model.

    Examples
    --------
    >>> layer_names(None, (Layer("CONV_2D", 9, "int8", "int8"),))
    ('CONV_2D (1)',)
    """
    sizes = [layer.weights for layer in layers]
    known = list(_with_kernels(model))
    if len(sizes) == len(known) + 1:
        known.insert(0, ("scaling", 1))  # see `integer_scaling`
    if sizes == [size for _, size in known]:
        return tuple(name for name, _ in known)
    return tuple(f"{layer.operator} ({place})" for place, layer in enumerate(layers, 1))


def _with_kernels(model: Any) -> Iterator[tuple[str, int]]:
    """Yield the name of each layer with one kernel, and the number of its weights."""
    for layer in getattr(model, "layers", ()):
        if hasattr(layer, "layers"):
            yield from _with_kernels(layer)
            continue
        kernels = [weight for weight in layer.weights if len(weight.shape) > 1]
        if len(kernels) == 1:
            yield layer.name, math.prod(kernels[0].shape)
