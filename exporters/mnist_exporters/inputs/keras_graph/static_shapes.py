"""Build the Keras model to convert: with a fixed input shape and the pixel scaling, few operators and no loops."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras

from mnist_exporters.inputs.keras_graph.calls import is_plain_graph
from mnist_exporters.inputs.keras_graph.dilated import is_dilated, without_batches
from mnist_exporters.inputs.keras_graph.normalization import as_sum_and_product, is_normalization
from mnist_exporters.inputs.keras_graph.norms import is_norm, with_integer_operators
from mnist_exporters.inputs.keras_graph.unroll import unrolled

__all__ = ["float_scaling", "graph_model", "integer_scaling", "with_static_shapes"]

RESHAPING = (keras.layers.Flatten, keras.layers.Reshape)


def float_scaling(scale: float, offset: float) -> keras.layers.Layer:
    """Return a layer that computes ``pixel * scale + offset`` in float32, from uint8."""
    return keras.layers.Rescaling(scale, offset, name="scaling", dtype="float32")


def integer_scaling(scale: float, offset: float) -> keras.layers.Layer:
    """Return a layer that computes ``pixel * scale + offset`` and stays accurate after quantization.

    It is needed for a negative scale or a range without 0, which a quantized input cannot express. The layer is a
    convolution with one weight, an operator that every interpreter has. Its quantized weight is 127 or -127, and the
    error of the bias is below a hundredth of a grey level. It is depthwise, because depthwise layers keep 8 bits in
    int4 files.
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
    integers: bool = False,
) -> keras.Model:
    """Return a model from pixels (n, h, w, channels) to scores 0..1.

    Parameters
    ----------
    model : keras.Model
        The user's model.
    image : (int, int, int)
        Height, width and channels of an image.
    softmax : bool
        Whether a softmax is added, for a model that gives logits.
    scaling : keras.layers.Layer, optional
        Layer that scales raw pixels. With a ``Rescaling``, the new model takes uint8; with `integer_scaling`, float32.
        Default: the new model takes float32 pixels in the scaling of `model`.
    integers : bool
        Whether all operators are to be computed with integers; see `with_static_shapes`.
    """
    is_raw = isinstance(scaling, keras.layers.Rescaling)
    pixels = keras.Input(image, dtype="uint8" if is_raw else "float32", name="pixels")
    scaled = pixels if scaling is None else scaling(pixels)
    shape = tuple(model.input_shape[1:])
    if shape != image:
        scaled = keras.ops.reshape(scaled, (-1, *shape))
    scores = with_static_shapes(model, integers=integers)(scaled, training=False)
    if softmax:
        scores = keras.layers.Softmax(name="probabilities")(scores)
    return keras.Model(pixels, scores, name="raw" if is_raw else "scaled")


def with_static_shapes(model: keras.Model, *, integers: bool = False) -> keras.Model:
    """Return a copy of `model` with constant shapes and unrolled recurrent layers.

    Keras's ``Flatten`` and ``Reshape`` read the batch size from their input tensor. In an exported file, this takes
    four operators (TFLite) or five (ONNX) and half a kilobyte, and no delegate supports them. Here, the batch size is
    written as -1, so that it is computed from the other axes. `unrolled` replaces the recurrent layers,
    `without_batches` the dilated convolutions, and `as_sum_and_product` normalizations with a known mean.

    Parameters
    ----------
    model : keras.Model
        Sequential or functional, with one input and one output; inner models are rewritten in the same way. Any other
        model is returned unchanged, because it may call its layers in its own code. Weights are shared, not copied.
    integers : bool
        Whether `with_integer_operators` replaces layer, group and RMS normalizations too.

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
    return keras.models.clone_model(bare, clone_function=partial(_clone, integers=integers), call_function=_call)


def _is_single_graph(layer: Any) -> bool:
    """Return whether `layer` is a model with one input and one output that its graph describes completely."""
    return is_plain_graph(layer) and len(layer.inputs) == 1 and isinstance(layer.output_shape, tuple)


def _clone(layer: Any, integers: bool) -> Any:
    if is_dilated(layer):
        return without_batches(layer)
    if is_normalization(layer):
        return as_sum_and_product(layer)
    if integers and is_norm(layer):
        return with_integer_operators(layer)
    if _is_single_graph(layer):
        return with_static_shapes(layer, integers=integers)
    return unrolled(layer, partial(_inner, integers=integers))


def _inner(layer: Any, integers: bool) -> Any:
    """Return the function to call instead of a layer or model that another layer contains."""
    cloned = _clone(layer, integers)
    return partial(_call, cloned) if type(cloned) in RESHAPING else cloned


def _call(layer: Any, *inputs: Any, **settings: Any) -> Any:
    if type(layer) not in RESHAPING:
        return layer(*inputs, **settings)
    sides = layer.compute_output_shape(inputs[0].shape)[1:]
    if None in sides or getattr(layer, "data_format", "channels_last") != "channels_last":
        return layer(*inputs, **settings)
    return keras.ops.reshape(inputs[0], (-1, *sides))
