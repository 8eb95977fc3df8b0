"""`digit_model`: be sure that a Keras model takes images of digits, gives ten scores, and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnist_runtime.errors import first_line
from mnist_trainer.errors import ModelError

if TYPE_CHECKING:
    import keras

__all__ = ["digit_model"]

INPUT_SHAPES = ((28, 28), (28, 28, 1), (784,))


def digit_model(model: keras.Model) -> keras.Model:
    """Return `model` as one from a single tensor to a single tensor, if it is a model of digits.

    Its shapes are looked at, and it is asked about two blank images.

    Parameters
    ----------
    model : keras.Model
        It may take or give a list or a dict of the one tensor, as Keras 2's functional models do.

    Raises
    ------
    ModelError
        If it takes or gives something else, has several inputs or outputs, or fails on the images.
    """
    try:
        inputs, outputs = [tuple(t.shape[1:]) for t in model.inputs], [tuple(t.shape[1:]) for t in model.outputs]
    except (AttributeError, ValueError, TypeError) as error:
        raise ModelError("expected a built model with known shapes; call it on an image once, save it.") from error
    if len(inputs) != 1 or inputs[0] not in INPUT_SHAPES or outputs != [(10,)]:
        raise ModelError(
            "expected a digit model with one input of shape (28, 28), (28, 28, 1) or (784,) and one output of shape "
            f"(10,), received inputs {inputs} and outputs {outputs}; convert the images or train another."
        )
    import keras

    if not isinstance(model, keras.Sequential) and {type(model.input), type(model.output)} != {keras.KerasTensor}:
        model = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    try:
        model(np.zeros((2, *inputs[0]), np.float32), training=False)
    except Exception as error:  # a fixed number of images, or code that does not work here
        raise ModelError(
            f"expected a model that answers two images at once, this one fails ({first_line(error)}); mend it."
        ) from error
    return model
