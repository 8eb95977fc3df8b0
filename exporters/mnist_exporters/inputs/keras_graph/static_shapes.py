"""Build the Keras model that is converted: fixed input shape, scaling inside, few operators, no loops."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras

from mnist_exporters.inputs.keras_graph.calls import is_plain_graph
from mnist_exporters.inputs.keras_graph.dilated import is_dilated, without_batches
from mnist_exporters.inputs.keras_graph.unroll import unrolled

__all__ = ["float_scaling", "graph_model", "integer_scaling", "with_static_shapes"]

RESHAPING = (keras.layers.Flatten, keras.layers.Reshape)


def float_scaling(scale: float, offset: float) -> keras.layers.Layer:
    """Return a layer that computes ``pixel * scale + offset`` in float32, from uint8."""
    return keras.layers.Rescaling(scale, offset, name="scaling", dtype="float32")


def integer_scaling(scale: float, offset: float) -> keras.layers.Layer:
    """Return a layer that computes ``pixel * scale + offset``, exactly so in integers.

    A quantized input cannot express a negative scale or a range without 0. This is a convolution with one weight, which
    every interpreter has. The quantized weight is 127 or -127, and the error of the bias below a hundredth of a level.
    It is depthwise, because such layers keep 8 bits in int4 files.
    """
    constant = keras.initializers.Constant
    return keras.layers.DepthwiseConv2D(
        1, depthwise_initializer=constant(scale), bias_initializer=constant(offset), dtype="float32", name="scaling"
    )


def graph_model(
    model: keras.Model,
    image: tuple[int, int, int],
    *,
    softmax: bool,
    scaling: keras.layers.Layer | None = None,
) -> keras.Model:
    """Return a model from pixels (n, h, w, channels) to scores 0..1.

    Parameters
    ----------
    model : keras.Model
        The model of the user.
    image : (int, int, int)
        Height, width and channels of an image.
    softmax : bool
        Whether a softmax is added, for a model that gives logits.
    scaling : keras.layers.Layer, optional
        Scales raw pixels. With a ``Rescaling`` the new model takes uint8, with `integer_scaling` float32. Default: the
        new model takes float32 pixels as `model` expects them.
    """
    is_raw = isinstance(scaling, keras.layers.Rescaling)
    pixels = keras.Input(image, dtype="uint8" if is_raw else "float32", name="pixels")
    scaled = pixels if scaling is None else scaling(pixels)
    shape = tuple(model.input_shape[1:])
    if shape != image:
        scaled = keras.ops.reshape(scaled, (-1, *shape))
    scores = with_static_shapes(model)(scaled, training=False)
    if softmax:
        scores = keras.layers.Softmax(name="probabilities")(scores)
    return keras.Model(pixels, scores, name="raw" if is_raw else "scaled")


def with_static_shapes(model: keras.Model) -> keras.Model:
    """Return a model with the layers of `model`, in which shapes are constant and recurrent layers unrolled.

    Keras's ``Flatten`` and ``Reshape`` read the number of images from their input tensor. In an exported file this
    takes four operators (TFLite) or five (ONNX), half a kilobyte, and no delegate runs them. Here that side is -1:
    computed from the others. `unrolled` treats the recurrent layers, `without_batches` the dilated convolutions.

    Parameters
    ----------
    model : keras.Model
        Sequential or functional, with one input and one output; models inside it are treated in the same way. Any
        other model may call its layers in its own code, and is returned unchanged. Weights are shared, not copied.

    Examples
    --------
    >>> model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    >>> with_static_shapes(model).output_shape
    (None, 10)
    """
    if not _is_single_graph(model):
        return model
    # Losses and metrics are left out: some cannot be copied.
    bare = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    return keras.models.clone_model(bare, clone_function=_clone, call_function=_call)


def _is_single_graph(layer: Any) -> bool:
    """Return whether `layer` is a model that its graph describes fully, with one input and one output."""
    return is_plain_graph(layer) and len(layer.inputs) == 1 and isinstance(layer.output_shape, tuple)


def _clone(layer: Any) -> Any:
    if is_dilated(layer):
        return without_batches(layer)
    return with_static_shapes(layer) if _is_single_graph(layer) else unrolled(layer, _inner)


def _inner(layer: Any) -> Any:
    """Return what to call in place of a layer or a model that is inside another layer."""
    cloned = _clone(layer)
    return partial(_call, cloned) if type(cloned) in RESHAPING else cloned


def _call(layer: Any, *inputs: Any, **settings: Any) -> Any:
    if type(layer) not in RESHAPING:
        return layer(*inputs, **settings)
    sides = layer.compute_output_shape(inputs[0].shape)[1:]
    if None in sides or getattr(layer, "data_format", "channels_last") != "channels_last":
        return layer(*inputs, **settings)
    return keras.ops.reshape(inputs[0], (-1, *sides))
