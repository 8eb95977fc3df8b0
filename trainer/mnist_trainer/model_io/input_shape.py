"""Check that a Keras model takes images of digits and gives ten scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnist_runtime.errors import first_line
from mnist_trainer.errors import ModelError

if TYPE_CHECKING:
    import keras

__all__ = ["INPUT_SHAPES", "check_digit_model"]

INPUT_SHAPES = ((28, 28), (28, 28, 1), (784,))
"""Shapes of one image that a digit model may take."""


def check_digit_model(model: keras.Model) -> keras.Model:
    """Return `model`, if it classifies digits, as a model from one tensor to one tensor.

    The shapes are checked, and two blank images are classified.

    Parameters
    ----------
    model : keras.Model
        Its one input and its one output may be in a list or a dict, as in functional models of Keras 2.

    Raises
    ------
    ModelError
        If it has other shapes or several inputs or outputs, or fails on the images.
    """
    try:
        inputs, outputs = [tuple(t.shape[1:]) for t in model.inputs], [tuple(t.shape[1:]) for t in model.outputs]
    except (AttributeError, ValueError, TypeError) as error:
        raise ModelError(
            "The model is not built, so its shapes are unknown. Call it on an image and save it."
        ) from error
    if len(inputs) != 1 or inputs[0] not in INPUT_SHAPES or outputs != [(10,)]:
        raise ModelError(
            f"This is not a digit model: it has inputs {inputs} and outputs {outputs}. Give a model with one input of "
            "shape (28, 28), (28, 28, 1) or (784,) and one output of shape (10,)."
        )
    import keras

    if not isinstance(model, keras.Sequential) and {type(model.input), type(model.output)} != {keras.KerasTensor}:
        model = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    try:
        model(np.zeros((2, *inputs[0]), np.float32), training=False)
    except Exception as error:  # a fixed number of images, or code that does not work here
        raise ModelError(
            f"The model fails on a batch of two images ({first_line(error)}). Change it to accept any batch size."
        ) from error
    return model
