"""Check that a Keras model accepts the images of a task and gives a score for each class, and normalize its form."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_runtime.artifact.task import DIGITS, MOST_LABELS, SIDES, Task
from mnist_runtime.errors import counted, first_line, raise_machine_failure
from mnist_trainer.errors import ModelError
from mnist_trainer.keras_support import default_settings
from mnist_trainer.model_io.one_path import one_path

if TYPE_CHECKING:
    import keras

__all__ = ["accepted_shape", "check_model", "input_shapes"]

BATCH = 2
"""Number of images on which a model is tried."""
LARGE = 1 << 26
"""Number of values (256 MB in float32) from which a constant counts as too large for memory, not as damaged."""

TWO_SCORES = (
    "head = keras.layers.Dense(2{activation}); model = keras.Sequential([model, head]); "
    "head.set_weights([np.array([[{weights}]]), np.array([{bias}])])"
)
"""Lines of Python that turn one score into two scores, in the order of the classes."""

PROBABILITY = (
    "If its score is the probability of the second of two classes, add that of the first: "
    + TWO_SCORES.format(activation="", weights="-1, 1", bias="1, 0")
)
LOGIT = (
    "If its score is the logit of the second of two classes (loss BinaryCrossentropy(from_logits=True)), add that of "
    "the first: " + TWO_SCORES.format(activation=", activation='softmax'", weights="0, 1", bias="0, 0")
)
"""Advice for a model of two classes with one score: with a sigmoid at the end, and without one."""

ONE_SCORE = (
    "The model gives 1 score, but a score for each class is needed. {lines}. Save this model, and give images of both "
    "classes: --data PATH. If its score is the digit as a number (a regression), it has no confidence: end it in "
    "keras.layers.Dense(10, activation='softmax'), and train it again with the loss sparse_categorical_crossentropy."
)
"""Message for models with one score: the usual models of two classes, and regressions."""

OTHER_BLACK = (
    " That is for pixels 0..1 and 0..255, where black is 0. If its images were scaled otherwise after padding, put "
    "that scaling behind ZeroPadding2D, and export with --pixel-range 0..1: keras.layers.Rescaling(2.0, -1.0) for "
    "-1..1, keras.layers.Rescaling(1 / std, -mean / std) for mean and std, keras.layers.Rescaling(-1.0, 1.0) for 1..0, "
    "black on white."
)
"""Addition to advice that pads with 0: in some pixel scalings, 0 is gray or white instead of black."""

WRAPPED = "With other layers in front it takes digits"
"""Beginning of the advice that wraps a model for images of another form, so that it accepts digits."""


def input_shapes(task: Task) -> tuple[tuple[int, ...], ...]:
    """Return the usual input shapes, for one image, that a model of `task` may have. See also `accepted_shape`.

    Examples
    --------
    >>> input_shapes(DIGITS), input_shapes(Task(32, 20, 3))
    (((28, 28, 1), (28, 28), (784,)), ((32, 20, 3), (1920,)))
    """
    return tuple(dict.fromkeys((task.tensor_shape, task.image_shape, (task.pixels,))))


def _with_single_axes(task: Task) -> tuple[tuple[int, ...], ...]:
    """Return rarer input shapes of gray images: a channel, a frame or a sequence of one. No pixel changes its place."""
    if task.channels != 1:
        return ()
    image = task.image_shape
    return (1, *image), (1, *image, 1), (*image, 1, 1), (task.pixels, 1), (1, task.pixels)


def accepted_shape(shape: tuple[int | None, ...], task: Task = DIGITS) -> tuple[int, ...] | None:
    """Return the shape for images of `task` that an input of `shape` (without the batch) accepts, or None.

    Examples
    --------
    >>> accepted_shape((None, None, 1)), accepted_shape((28, None)), accepted_shape((32, 32))
    ((28, 28, 1), (28, 28), None)
    >>> accepted_shape((1, 28, 28)), accepted_shape((None, 1))
    ((1, 28, 28), (784, 1))
    """
    for accepted in (*input_shapes(task), *_with_single_axes(task)):
        if len(accepted) == len(shape) and all(
            side in (None, fixed) for side, fixed in zip(shape, accepted, strict=True)
        ):
            return accepted
    return None


def check_model(model: keras.Model, task: Task = DIGITS) -> keras.Model:
    """Check that `model` classifies the images of `task`; return it with one float32 input and one float32 output.

    The shapes are checked, and two blank images are classified. A model with half or double precision, an open image
    size, a fixed batch size or integer inputs is rebuilt with the same weights.

    Parameters
    ----------
    model : keras.Model
        The model. Its one input and one output may be in a list or a dict, as in functional models of Keras 2.
    task : Task, optional
        Size and channels of the images, and the classes. Default: digits.

    Raises
    ------
    ModelError
        If it has other shapes or several inputs or outputs, was quantized with Keras, or fails on the images.
    """
    from mnist_trainer.model_io.rebuild import needs_rebuild, rebuilt

    if type(model).__module__.startswith(("tf_keras.", "tensorflow.")):
        raise ModelError("This is a model of Keras 2 (tf_keras). Call model.save('model.keras') and give that file.")
    try:
        inputs, outputs = [tuple(t.shape[1:]) for t in model.inputs], [tuple(t.shape[1:]) for t in model.outputs]
    except (AttributeError, ValueError, TypeError) as error:
        raise ModelError(
            "The model is not built, so its shapes are unknown. Call it on an image and save it."
        ) from error
    shape = accepted_shape(inputs[0], task) if len(inputs) == 1 else None
    if shape is None or outputs != [(len(task.labels),)]:
        raise _other_model(model, inputs, outputs, task)
    with default_settings():
        if needs_rebuild(model, shape):
            model = rebuilt(model, shape)
        try:
            model(np.zeros((BATCH, *shape), np.float32), training=False)
        except Exception as error:  # a fixed batch size, or code that does not work here
            raise_machine_failure(error)
            if size := _size_without_memory(str(error)):
                raise ModelError(
                    f"The model computes a tensor of {size} values, for which there is too little memory. Make it "
                    "smaller."
                ) from error
            raise ModelError(
                f"The model fails on a batch of two images ({first_line(error)}). Change it to accept any batch size."
            ) from error
    return model


def _size_without_memory(text: str) -> str:
    """Return the shape of a constant that is too large for memory, from TensorFlow's error text; else an empty string.

    TensorFlow computes ``tf.ones((30000, 30000))`` before the model runs. Its error text does not mention the memory.

    Examples
    --------
    >>> _size_without_memory("Cannot parse tensor from proto: tensor_shape { dim { size: 30000 } dim { size: 40000 } }")
    '30000 x 40000'
    """
    sides = re.findall(r"size: (\d+)", text) if "Cannot parse tensor from proto" in text else []
    return " x ".join(sides) if math.prod(map(int, sides)) >= LARGE else ""


def _other_model(model: keras.Model, inputs: list[Any], outputs: list[Any], task: Task) -> ModelError:
    """Return the error that names the shapes of a model's inputs and outputs, and the needed ones."""
    found = f"it has inputs {inputs} and outputs {outputs}"
    several = [kind for kind, shapes in (("inputs", inputs), ("outputs", outputs)) if len(shapes) > 1]
    if several:
        are_images = [accepted_shape(shape, task) is not None for shape in inputs]
        begin = "The model does not fit digits" if task.is_mnist else "This is not a model of these images and classes"
        return ModelError(
            f"{begin}: {found}. It has several {' and '.join(several)}, but a model with one input of shape "
            f"{_needed_shapes(task)} and one output of shape ({len(task.labels)},) is needed. "
            + one_path(model, inputs, outputs, are_images, len(task.labels))
        )
    if outputs == [(1,)]:
        return ModelError(ONE_SCORE.format(lines=_two_scores(model)))
    if task.is_mnist:
        parts = [_other_task(inputs, outputs), _advice(inputs, outputs)]
        if parts[1].startswith(WRAPPED):  # probably a digit model, which should remain one
            parts.reverse()
        return ModelError(f"The model does not fit digits: {found}. {' '.join(parts)}")
    return ModelError(
        f"This is not a model of these images and classes: {found}, but an input of shape "
        f"{_needed_shapes(task)} and one output of shape ({len(task.labels)},) are needed. Give "
        f"the images and labels that it was made for.{_conversion(inputs, task)}{_naming(outputs, task)}"
    )


def _two_scores(model: keras.Model) -> str:
    """Return Python lines that add a second score to a model with one; both variants if its activation is unknown."""
    last = model
    while hasattr(last, "layers") and getattr(last, "outputs", None):  # the last layer may be a nested model
        last = getattr(last.outputs[0], "_keras_history", (None,))[0]
    activation = getattr(last, "activation", last)
    name = (getattr(activation, "__name__", None) or type(activation).__name__).lower()
    if name == "sigmoid":
        return PROBABILITY
    return LOGIT if name == "linear" else f"{PROBABILITY}. {LOGIT}"


def _needed_shapes(task: Task) -> str:
    """Describe the input shapes that a model of `task` may have."""
    shapes = [str(shape) for shape in input_shapes(task)]
    return f"{', '.join(shapes[:-1])} or {shapes[-1]}"


def _naming(outputs: list[Any], task: Task) -> str:
    """Return how to name the model's classes, if their number is another one; otherwise an empty string."""
    (count,) = outputs[0] if len(outputs[0]) == 1 else (None,)
    if count is None or count == len(task.labels) or not 1 < count <= MOST_LABELS:
        return ""
    return f" If only some of its {count:,} classes are shown, name all, in the order of the scores: --labels A,B,..."


def _conversion(inputs: list[Any], task: Task) -> str:
    """Return how to convert the images for the model's input, if that is needed; otherwise an empty string."""
    shape = (*inputs[0], 1)[:3] if len(inputs[0]) in (2, 3) else ()
    if not shape or shape == task.tensor_shape or {*shape[:2]} - {*SIDES} or shape[2] not in (1, 3):
        return ""
    return f" To convert them as a device does: --image-size {shape[0]}x{shape[1]} --channels {shape[2]}."


def _other_task(inputs: list[Any], outputs: list[Any]) -> str:
    """Return advice for a model of other images or classes: what is supported, and what to do."""
    sides = f"{SIDES[0]} to {SIDES[-1]}"
    shape = inputs[0]
    wrong = [side for side in shape[:2] if side is not None and side not in SIDES] if len(shape) in (2, 3) else []
    classes = outputs[0][0] if len(outputs[0]) == 1 else None
    if wrong:
        return f"Other images must have sides of {sides} pixels, but its input has {wrong[0]}."
    if classes is not None and not 2 <= classes <= MOST_LABELS:
        return f"There must be 2 to {MOST_LABELS:,} classes, but it gives {counted(classes, 'score')}."
    return (
        f"If it classifies other images, with sides of {sides} pixels, give such images: --data PATH. A device then "
        "only resizes pictures, so they must look like these images, for example light digits on a dark background."
    )


def _advice(inputs: list[Any], outputs: list[Any]) -> str:
    """Return the lines of Python that turn a model with these shapes into a digit model, if that is possible."""
    needed = "Give a model with one input of shape (28, 28), (28, 28, 1) or (784,) and one output of shape (10,)."
    front, size = _front(inputs[0]), _image_size(outputs[0])
    if size and not 2 <= size <= MOST_LABELS:
        return needed
    if outputs[0] != (10,) and size != 10:
        number = counted(size, "score") if size else "an unknown number of scores"
        return f"It has {number}, one for each class. {needed}"
    if front is None:
        return needed
    behind = "" if outputs[0] == (10,) else ", keras.layers.Flatten()"
    source = "(784,)" if front.startswith("keras.layers.Reshape") else "(28, 28, 1)"
    layers = ", ".join(part for part in (f"keras.Input({source})", front, "model") if part)
    other = ""
    if "ZeroPadding2D" in front:
        other = (
            f"{OTHER_BLACK} If its images were resized: keras.layers.Resizing{inputs[0][:2]} instead of ZeroPadding2D."
        )
    elif "Resizing" in front and (cropping := _cropping(*inputs[0][:2])):
        other = f" If its images were cropped to their center: {cropping} instead of Resizing."
    return f"{WRAPPED}: model = keras.Sequential([{layers}{behind}]).{other}"


def _image_size(shape: tuple[int | None, ...]) -> int | None:
    return None if None in shape else int(np.prod([side for side in shape if side]))


def _cropping(height: int, width: int) -> str:
    """Return the cropping layer, as Python, that reduces a digit to this size; empty if cropping is not possible."""
    margins = [28 - side for side in (height, width)]
    if min(margins) < 0 or any(margin % 2 for margin in margins):
        return ""
    return f"keras.layers.Cropping2D(({margins[0] // 2}, {margins[1] // 2}))"


def _front(shape: tuple[int | None, ...]) -> str | None:
    """Return the layers, as Python, that convert a digit to an input of `shape`; None if no such layers are known."""
    if accepted_shape(shape) is not None:
        return ""
    if _image_size(shape) == 784:
        return f"keras.layers.Reshape({shape})"
    if len(shape) not in (2, 3):
        return None
    height, width, *depth = shape
    layers = []
    if (height, width) not in ((28, 28), (None, None)):
        if height is None or width is None:
            return None
        pads = [(side - 28) // 2 for side in (height, width)]
        fits = [pad >= 0 and (side - 28) % 2 == 0 for pad, side in zip(pads, (height, width), strict=True)]
        layers.append(
            f"keras.layers.ZeroPadding2D(({pads[0]}, {pads[1]}))"
            if all(fits)
            else f"keras.layers.Resizing({height}, {width})"
        )
    if depth == [3]:
        layers.append("keras.layers.Conv2D(3, 1, kernel_initializer='ones', use_bias=False)")
    elif depth not in ([], [1]):
        return None
    if not depth:
        layers.append(f"keras.layers.Reshape(({height}, {width}))")
    return ", ".join(layers)
