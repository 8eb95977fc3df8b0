"""`one_path`: advice to turn a model with several inputs or outputs into one with a single input and output."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

__all__ = ["one_path"]

Shapes = Sequence[tuple[Any, ...]]


def one_path(model: keras.Model, inputs: Shapes, outputs: Shapes, are_images: Sequence[bool], classes: int) -> str:
    """Return advice about several inputs or outputs, with lines of Python that were tested on the model.

    Parameters
    ----------
    model : keras.Model
        The model.
    inputs, outputs : sequence of tuple
        Shapes of its inputs and outputs for one image.
    are_images : sequence of bool
        Which of the inputs have the shape of an image.
    classes : int
        Number of scores that are needed.
    """
    targets = [place for place, shape in enumerate(outputs) if shape == (classes,)]
    if not targets:
        return f"None of its outputs has the shape ({classes},)."
    sources = sorted(range(len(inputs)), key=lambda place: not are_images[place])
    paths = [(source, target) for source in sources for target in targets if _is_connected(model, source, target)]
    if paths:
        # If some inputs are images, suggest only those.
        same = [path for path in paths if are_images[path[0]] == are_images[paths[0][0]]]
        lines = [f"keras.Model(model.inputs[{source}], model.outputs[{target}])" for source, target in same]
        others = f" Other paths of these shapes: {', '.join(lines[1:])}." if len(lines) > 1 else ""
        return f"Take one path: model = {lines[0]}.{others}"
    if len(inputs) == 1:
        return "No output depends on the input alone. Build the model again with one output."
    lines_of_python = _fixed(model, inputs, sources[0]) if are_images[sources[0]] and len(outputs) == 1 else None
    return (
        "Its scores depend on several inputs. Train a model with one input, or fix the other inputs inside the model "
        "as constants"
        + (f", here 0 (bias_initializer sets the values): {lines_of_python}." if lines_of_python else ".")
    )


def _is_connected(model: keras.Model, source: int, target: int) -> bool:
    """Return whether output `target` depends only on input `source`."""
    import keras

    try:
        keras.Model(model.inputs[source], model.outputs[target])
    except Exception:  # Keras raises several kinds
        return False
    return True


def _fixed(model: keras.Model, inputs: Shapes, image: int) -> str | None:
    """Return lines of Python that set all inputs except `image` to 0, or None if that fails.

    The zeros come from a dense layer with zero weights that reads one pixel, so their number fits any batch size.
    """
    import keras

    try:
        source = keras.Input(inputs[image])
        pixel = keras.layers.Flatten()(source)[:, :1]
        tensors, parts = [], []
        for place, shape in enumerate(inputs):
            if place == image:
                tensors.append(source)
                parts.append("image")
                continue
            size = math.prod(shape)
            constants = keras.layers.Dense(size, kernel_initializer="zeros", bias_initializer="zeros")(pixel)
            tensors.append(constants if len(shape) == 1 else keras.layers.Reshape(shape)(constants))
            dense = f"keras.layers.Dense({size}, kernel_initializer='zeros', bias_initializer='zeros')(pixel)"
            parts.append(dense if len(shape) == 1 else f"keras.layers.Reshape({shape})({dense})")
        keras.Model(source, model(tensors))
    except Exception:  # an open dimension, or inputs that are not in a list
        return None
    return (
        f"image = keras.Input({inputs[image]}); pixel = keras.layers.Flatten()(image)[:, :1]; "
        f"model = keras.Model(image, model([{', '.join(parts)}]))"
    )
