"""Rebuild a Keras model with the same weights, in float32, for a fixed image shape and any batch size."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from mnist_runtime.errors import first_line, raise_machine_failure
from mnist_trainer.errors import ModelError

__all__ = ["copied", "copied_layer", "is_graph", "needs_rebuild", "rebuilt"]

OTHER_FLOATS = ("float16", "bfloat16", "float64")
"""Data types of weights and computations that a rebuild replaces by float32."""

PROBE_IMAGES = 8
"""Number of random images on which a model with integer inputs is compared with its copy."""


def needs_rebuild(model: keras.Model, shape: tuple[int, ...]) -> bool:
    """Return whether `model` has other data types, an open image size, a fixed batch size or a state between batches.

    Parameters
    ----------
    model : keras.Model
        A model with one input.
    shape : tuple
        The shape of one image that the rebuilt model should accept.

    Raises
    ------
    ModelError
        If the model was quantized with Keras.
    """
    layers = model._flatten_layers()
    for layer in layers:
        if getattr(layer.dtype_policy, "quantization_mode", None) is not None:
            raise ModelError(
                f"The model was quantized by Keras ({layer.dtype_policy.name} in layer {layer.name!r}), and an export "
                "quantizes the original weights. Give the model before model.quantize()."
            )
    (source,), (scores,) = model.inputs, model.outputs
    return (
        (*source.shape, source.dtype, scores.dtype) != (None, *shape, "float32", "float32")
        or (not isinstance(model, keras.Sequential) and {type(model.input), type(model.output)} != {keras.KerasTensor})
        or any(_is_changed(layer) for layer in layers)
    )


def rebuilt(model: keras.Model, shape: tuple[int, ...]) -> keras.Model:
    """Return a model with the weights of `model`, float32 input ``(n, *shape)`` and float32 output.

    Layers that need no change are shared by both models.

    Raises
    ------
    ModelError
        If a layer cannot be rebuilt.
    """
    (source,) = model.inputs
    pixels = keras.Input(shape, name="pixels")
    if not is_graph(model):
        if any(map(_is_changed, model._flatten_layers())):
            raise _cannot_rebuild(model, "it is a class of its own")
        return _called(model, pixels)
    graph = keras.Model(source, model.outputs[0], name=model.name)
    copies: dict[Any, tuple[Any, Any]] = {}
    copy: keras.Model = _copy_of_graph(graph, pixels, copies)
    for layer, new in copies.values():
        if new is not layer and isinstance(layer, keras.Layer):
            _copy_weights(layer, new)
    if source.dtype not in ("float32", *OTHER_FLOATS):
        exact = _copy_of_graph(graph, keras.Input(shape, dtype=source.dtype), copies)
        if not _same_answers(exact, copy):
            return _called(exact, pixels)
    return copy if copy.outputs[0].dtype == "float32" else _called(copy, pixels)


def _called(model: keras.Model, pixels: Any) -> keras.Model:
    """Return a model that converts `pixels` to the data type of `model` and calls it as a whole."""
    dtype = model.inputs[0].dtype
    source = pixels if dtype == "float32" else keras.ops.cast(pixels, dtype)
    (scores,) = keras.tree.flatten(model(keras.tree.pack_sequence_as(model.input, [source]), training=False))
    return keras.Model(
        pixels, scores if scores.dtype == "float32" else keras.ops.cast(scores, "float32"), name=model.name
    )


def _same_answers(exact: keras.Model, copy: keras.Model) -> bool:
    """Return whether `copy` gives the same scores for float inputs as `exact` for integer inputs."""
    pixels = np.random.default_rng(0).integers(0, 256, (PROBE_IMAGES, *copy.input_shape[1:]))
    expected = exact(pixels.astype(exact.inputs[0].dtype), training=False)
    return np.allclose(expected, copy(pixels.astype(np.float32), training=False), rtol=1e-4, atol=1e-5)


def is_graph(layer: Any) -> bool:
    """Return whether `layer` is a functional or Sequential model, without its own ``call`` method."""
    return isinstance(layer, keras.Model) and type(layer).call.__module__.startswith("keras.")


def _is_changed(layer: Any) -> bool:
    """Return whether one layer is not float32, or keeps its state from batch to batch."""
    policy = layer.dtype_policy
    return {policy.compute_dtype, policy.variable_dtype} & {*OTHER_FLOATS} != set() or bool(
        getattr(layer, "stateful", False)
    )


def _copy_of_graph(graph: keras.Model, inputs: Any, copies: dict[Any, tuple[Any, Any]]) -> keras.Model:
    """Return a copy of `graph` on other input tensors.

    `copies` is a cache. For a layer, it maps its id to the pair (layer, copy). For a nested model, it maps the id and
    the input shapes and types to the pair (None, copy).
    """

    def copied(layer: Any) -> Any:
        if is_graph(layer):
            return layer  # copied when its input shape is known
        return copies.setdefault(id(layer), (layer, _copy(layer)))[1]

    def called(layer: Any, *arguments: Any, **settings: Any) -> Any:
        if not is_graph(layer):
            return layer(*arguments, **settings)
        form = (id(layer), *((tensor.shape, tensor.dtype) for tensor in keras.tree.flatten(arguments[0])))
        if form not in copies:  # otherwise the model is called again
            others = sum(isinstance(known, tuple) and known[0] == id(layer) for known in copies)
            inner = _bare(layer, f"{layer.name}_{others}" if others else layer.name)
            new = keras.tree.map_structure(_new_input, inner.input, _like(inner.input, arguments[0]))
            copies[form] = (None, _copy_of_graph(inner, new, copies))
        return copies[form][1](*arguments, **settings)

    return keras.models.clone_model(graph, input_tensors=inputs, clone_function=copied, call_function=called)


def _bare(model: keras.Model, name: str) -> keras.Model:
    """Return `model` as a functional model: the `input` of a nested Sequential is that of the outer model."""
    is_sequential = isinstance(model, keras.Sequential)
    ends = (model.inputs[0], model.outputs[0]) if is_sequential else (model.input, model.output)
    return keras.Model(*ends, name=name)


def _like(structure: Any, tensors: Any) -> Any:
    return keras.tree.pack_sequence_as(structure, keras.tree.flatten(tensors))


def _new_input(old: Any, tensor: Any) -> Any:
    """Return a new input with the name of `old` and the shape of `tensor`."""
    return keras.Input(tensor.shape[1:], dtype="float32" if old.dtype in OTHER_FLOATS else old.dtype, name=old.name)


def _copy(layer: Any) -> Any:
    """Return one layer or operation in float32 and without state, or itself if it is already so."""
    if not isinstance(layer, keras.Layer):
        is_cast = type(layer).__name__ == "Cast" and layer.dtype in OTHER_FLOATS
        return type(layer)("float32") if is_cast else layer
    if not any(map(_is_changed, layer._flatten_layers())):
        return layer
    if type(layer) is keras.layers.Lambda:
        return _copied_lambda(layer)
    try:
        return type(layer).from_config(_changed(layer.get_config()))
    except Exception as error:  # a class of the user's
        raise_machine_failure(error)
        raise _cannot_rebuild(layer, first_line(error)) from error


def copied(model: keras.Model) -> keras.Model:
    """Return a model with the same layers, which has its own weights, equal to those of `model`.

    Raises
    ------
    ModelError
        If a layer cannot be built again from its configuration.
    """
    copy = keras.models.clone_model(model, clone_function=copied_layer, recursive=True)
    copy.set_weights(model.get_weights())
    return copy


def copied_layer(layer: Any, **changes: Any) -> Any:
    """Return a new layer with the configuration of `layer` and `changes` in it, without the weights.

    Raises
    ------
    ModelError
        If it cannot be built again.
    """
    if type(layer) is keras.layers.Lambda:
        return _copied_lambda(layer, **changes)
    try:
        return type(layer).from_config(layer.get_config() | changes)
    except Exception as error:  # a class of the user's, or code inside
        raise_machine_failure(error)
        raise ModelError(
            f"The layer {layer.name!r} ({type(layer).__name__}) cannot be built again for a training "
            f"({first_line(error)}). Replace it by other layers of Keras."
        ) from error


def _copied_lambda(layer: keras.layers.Lambda, dtype: str = "float32") -> keras.layers.Lambda:
    """Return a layer with the same function. A configuration would lose the names that the function uses."""
    return keras.layers.Lambda(
        layer.function, layer._output_shape, layer.mask, layer.arguments, name=layer.name, dtype=dtype
    )


def _cannot_rebuild(layer: Any, reason: str) -> ModelError:
    return ModelError(
        f"The layer {layer.name!r} computes in {layer.dtype_policy.name} and cannot be built again in float32 "
        f"({reason}). Build the model after keras.config.set_dtype_policy('float32'), copy the weights with "
        "new.set_weights(model.get_weights()) and give the new model."
    )


def _changed(value: Any) -> Any:
    """Return the configuration with float32 everywhere, and without state between batches."""
    if isinstance(value, list | tuple):
        return type(value)(map(_changed, value))
    if not isinstance(value, dict):
        return value
    if str(value.get("class_name")).endswith(("DTypePolicy", "DTypePolicyMap")):
        return "float32"
    return {key: False if key == "stateful" else _changed(member) for key, member in value.items()} | {
        key: "float32" for key, member in value.items() if key == "dtype" and str(member).endswith(OTHER_FLOATS)
    }


def _copy_weights(layer: Any, new: Any) -> None:
    new.set_weights(
        [
            weights.astype(np.float32) if weights.dtype.name in OTHER_FLOATS else weights
            for weights in layer.get_weights()
        ]
    )
    for part in new._flatten_layers():
        if isinstance(part, keras.layers.Normalization):
            part.finalize_state()
